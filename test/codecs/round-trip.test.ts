import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";

interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

const MAX_SAFE = 2n ** 53n - 1n;
const keys = fc.string({ unit: "binary" }).filter((key) => key !== "__proto__");
/** -0 is written as 0, because it is an integer to every encoder here. */
const numbers = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double()).map((number) => (number === 0 ? 0 : number));
const bigints = (range: Range) => fc.bigInt(range).filter((big) => big > MAX_SAFE || big < -MAX_SAFE);

/** CBOR's seconds are a double, in which a millisecond has no place some hundred thousand years from now. */
const dates = fc.date({ min: new Date("-100000-01-01"), max: new Date("+100000-01-01"), noInvalidDate: true });

function model(leaves: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 5, withCrossShrink: true }, leaves, tie("array"), tie("object")),
    array: fc.array(tie("value"), { maxLength: 6 }),
    object: fc.dictionary(keys, tie("value"), { maxKeys: 6, noNullPrototype: true }),
  })).value;
}

const plain = [
  fc.constant(null),
  fc.boolean(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "binary", minLength: 60, maxLength: 300 }),
];
const binary = (range: Range) => model(fc.oneof(...plain, numbers, bigints(range), fc.uint8Array(), dates));

test.each([
  ["cbor", binary({ min: -(2n ** 2048n), max: 2n ** 2048n - 1n })],
  ["msgpack", binary({ min: -(2n ** 63n), max: 2n ** 64n - 1n })],
  ["json", model(fc.oneof(...plain, numbers.filter(Number.isFinite)))],
] as const)("%s gives back any value of its model", (name, values) => {
  const codec = createCodec(name);
  fc.assert(
    fc.property(values, (value) => {
      expect(codec.decode(codec.encode(value))).toStrictEqual(value);
    }),
    { numRuns: 500 },
  );
});

test("raw gives back any frames", () => {
  const codec = createCodec("raw");
  fc.assert(
    fc.property(fc.array(fc.uint8Array(), { minLength: 1 }), (frames) => {
      expect(codec.encodeBody(codec.decodeBody(frames))).toEqual(frames);
    }),
  );
});

describe("bytes that were handed out stay as they are, whatever is encoded afterwards", () => {
  test.each(BUILT_IN_CODECS)("%s", (name) => {
    const codec = createCodec(name);
    const text = (size: number, seed: number) => String.fromCharCode(97 + (seed % 26)).repeat(size);
    const sizes = [1, 100, 2_000, 9_000, 100_000, 1_500_000, 10];
    const handedOut = Array.from({ length: 60 }, (_, seed) => {
      const bytes = codec.encode(text(sizes[seed % sizes.length] ?? 1, seed));
      return { bytes, copy: Buffer.from(bytes) };
    });
    for (const { bytes, copy } of handedOut) expect(copy.equals(bytes)).toBe(true);
  });
});
