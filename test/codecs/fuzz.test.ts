import { describe, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import { ZmqEchoError } from "../../src/errors.ts";

const ROUNDS = 4_000;
/** Another seed each time; FUZZ_SEED repeats a run. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 32);

/** Mulberry32: integers below `limit`, the same for the same seed. */
function createRandom(start: number): (limit: number) => number {
  let state = start >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const DOCUMENTS: unknown[] = [
  { id: 12345, name: "Hello wörld! 🎈", tags: ["a", "b", []], deep: { on: true, none: null, half: 1.5 } },
  [1, -1, 24, 255, 256, 65_536, 2 ** 40, 0.1, "", "x".repeat(70), {}, [[[[]]]]],
  Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`key${index}`, index * 1000])),
];
const BINARY_DOCUMENTS: unknown[] = [[new Uint8Array(40), new Date(1.5e12), new Date(-1), 2n ** 60n, Number.NaN]];

function mutated(bytes: Uint8Array, random: (limit: number) => number): Uint8Array {
  let result = Buffer.from(bytes);
  for (let edits = 1 + random(4); edits > 0; edits--) {
    const at = random(result.length + 1);
    const kind = random(4);
    if (kind === 0 && at < result.length) result[at] = random(256);
    else if (kind === 1)
      result = Buffer.concat([result.subarray(0, at), Buffer.from([random(256)]), result.subarray(at)]);
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + random(3))]);
    else result = Buffer.concat([result.subarray(0, at), result.subarray(random(result.length + 1))]);
  }
  return result;
}

function randomBytes(random: (limit: number) => number): Uint8Array {
  return Uint8Array.from({ length: random(40) }, () => random(256));
}

describe(`any bytes are a value or a typed error (FUZZ_SEED=${seed})`, () => {
  test.each(BUILT_IN_CODECS)("%s", (name) => {
    const codec = createCodec(name);
    const random = createRandom(seed);
    const documents =
      name === "raw" ? ["text"] : DOCUMENTS.concat(name === "cbor" || name === "msgpack" ? BINARY_DOCUMENTS : []);
    const valid = documents.map((document) => codec.encode(document));
    let decoded = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const start = valid[random(valid.length)] ?? new Uint8Array();
      const bytes = round % 4 === 0 ? randomBytes(random) : mutated(start, random);
      const about = `FUZZ_SEED=${seed}, round ${round}: ${Buffer.from(bytes).toString("hex")}`;
      let value: unknown;
      try {
        value = codec.decode(bytes);
      } catch (error) {
        expect(error, about).toBeInstanceOf(ZmqEchoError);
        expect((error as ZmqEchoError).code, about).toBe("invalid_argument");
        continue;
      }
      decoded++;
      // What was read can be written, and reads the same again (-0 is written as 0).
      expect(codec.decode(codec.encode(value)), about).toEqual(withoutNegativeZero(value));
    }
    expect(decoded).toBeGreaterThan(0);
  });
});

function withoutNegativeZero(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutNegativeZero(item)]));
}
