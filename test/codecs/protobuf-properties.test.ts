import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createProtobufCodec } from "../../src/codecs/protobuf/protobuf.ts";
import { ZmqEchoError } from "../../src/errors.ts";

const folder = fileURLToPath(new URL("../data/", import.meta.url));
const options = { role: "server", folder, name: "order" } as const;
const kinds = createProtobufCodec({ type: "protobuf", proto: "kinds.proto", request: "test.Kinds" }, options);
const legacy = createProtobufCodec({ type: "protobuf", proto: "legacy.proto", request: "legacy.Reading" }, options);
const wellKnown = createProtobufCodec(
  { type: "protobuf", proto: "well-known.proto", request: "test.WellKnown" },
  options,
);
const plain = createProtobufCodec({ type: "protobuf" }, options);
const codecs = { kinds, legacy, wellKnown, plain };

/** A 64-bit integer as the value model has it: a bigint only where a number is not exact. */
function long(min: bigint, max: bigint) {
  const small = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
  return fc.bigInt({ min, max }).map(small);
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int64 = long(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = long(0n, 2n ** 64n - 1n);
const text = fc.string({ unit: "binary" });
const bytes = fc.uint8Array({ maxLength: 20 });
const key = text.filter((name) => name !== "__proto__");
const color = fc.constantFrom("COLOR_UNSPECIFIED", "RED", "GREEN");

/** Members that a message without presence would leave out are left out from the start. */
const told = <T>(arbitrary: fc.Arbitrary<T>, zero: unknown) => arbitrary.filter((value) => !Object.is(value, zero));
const list = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { minLength: 1, maxLength: 5 });
const filled = <T>(arbitrary: fc.Arbitrary<Record<string, T>>) =>
  arbitrary.filter((map) => Object.keys(map).length > 0);

const { message } = fc.letrec<{ message: object; child: object }>((tie) => ({
  child: fc.oneof({ maxDepth: 2 }, { weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: tie("message") }),
  message: fc
    .tuple(
      fc.record(
        {
          anInt32: told(int32, 0).filter((value) => value !== 0),
          anUint32: told(uint32, 0),
          aSint32: int32.filter((value) => value !== 0),
          aFixed32: told(uint32, 0),
          aSfixed32: int32.filter((value) => value !== 0),
          anInt64: told(int64, 0),
          anUint64: told(uint64, 0),
          aSint64: told(int64, 0),
          aFixed64: told(uint64, 0),
          aSfixed64: told(int64, 0),
          aFloat: told(fc.float(), 0),
          aDouble: told(fc.double(), 0),
          aBool: fc.constant(true),
          aString: told(text, ""),
          someBytes: bytes.filter((value) => value.length > 0),
          color: fc.oneof(fc.constantFrom("RED", "GREEN"), fc.integer({ min: 3, max: 2 ** 31 - 1 })),
          child: tie("child"),
          maybe: int32.map((value) => value + 0),
          numbers: list(int32),
          longs: list(int64),
          unpacked: list(int32),
          texts: list(text),
          colors: list(color),
          children: fc.array(tie("child"), { minLength: 1, maxLength: 2 }),
          byName: filled(fc.dictionary(key, int32, { maxKeys: 4 })),
          byNumber: filled(fc.dictionary(int64.map(String), text, { maxKeys: 4 })),
          byFlag: filled(fc.dictionary(fc.constantFrom("true", "false"), tie("child"))),
          constructor: told(text, ""),
          "another-name": told(text, ""),
        },
        { requiredKeys: [] },
      ),
      fc.oneof(
        fc.constant({}),
        text.map((textChoice) => ({ textChoice })),
        int32.map((numberChoice) => ({ numberChoice })),
        tie("child").map((messageChoice) => ({ messageChoice })),
      ),
    )
    .map(([members, choice]) => ({ ...members, ...choice })),
}));

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    text,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5 }).map((object) => ({ ...object })),
  ),
})).value;

describe("whatever fits its type", () => {
  it("comes back the same: every kind of field of proto3", () => {
    fc.assert(
      fc.property(message, (value) => {
        expect(kinds.decode(kinds.encode(value as never))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it("comes back the same: proto2", () => {
    const level = fc.constantFrom("LOW", "HIGH");
    const members = {
      id: int32,
      scale: int32,
      level,
      levels: list(level),
      note: text,
      samples: list(int32),
      "[legacy.site]": text,
    };
    const reading = fc.record(members, { requiredKeys: ["id"] });
    fc.assert(
      fc.property(reading, (value) => {
        expect(legacy.decode(legacy.encode(value))).toEqual(value);
      }),
    );
  });

  it("comes back the same: Google's own types", () => {
    const at = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59.999Z"),
      noInvalidDate: true,
    });
    const members = {
      at,
      times: list(at),
      value: json,
      values: filled(fc.dictionary(key, json, { maxKeys: 4 })),
      list: fc.array(json, { maxLength: 4 }),
      aDouble: fc.double(),
      aFloat: fc.float(),
      anInt64: int64,
      anUint64: uint64,
      anInt32: int32,
      anUint32: uint32,
      aBool: fc.boolean(),
      aString: text,
      someBytes: bytes,
    };
    fc.assert(
      fc.property(fc.record(members, { requiredKeys: [] }), (value) => {
        expect(wellKnown.decode(wellKnown.encode(value as never))).toEqual(value);
      }),
    );
  });

  it("comes back the same: a value without a schema", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(plain.decode(plain.encode(value as never))).toEqual(value);
      }),
    );
  });
});

describe("bytes from a stranger", () => {
  /** A value, or an error of ours with its code; anything else fails the test. */
  function decodeOrRefuse(codec: typeof kinds, input: Uint8Array): void {
    try {
      codec.decode(input);
    } catch (error) {
      if (!ZmqEchoError.is(error)) throw error;
      expect(error.code).toBe("invalid_argument");
      expect(error.message.length).toBeLessThan(600);
      expect(error.message).not.toContain("\n");
    }
  }

  it.each(Object.entries(codecs))("%s: random ones are a value or an error", (_name, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (input) => decodeOrRefuse(codec, input)),
      { numRuns: 2_000 },
    );
  });

  it("a message with some bytes changed, or its end cut off, is a value or an error", () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(message, fc.array(change, { maxLength: 4 }), fc.nat(), (value, changes, length) => {
        const input = Uint8Array.from(kinds.encode(value as never));
        for (const [index, byte] of changes) if (input.length > 0) input[index % input.length] = byte;
        decodeOrRefuse(kinds, length % 2 === 0 ? input : input.subarray(0, length % (input.length + 1)));
      }),
      { numRuns: 200 },
    );
  });

  const size = 1024 * 1024;

  /** A megabyte of one pattern. */
  function filledWith(...pattern: number[]): Uint8Array {
    return Uint8Array.from(
      { length: size - (size % pattern.length) },
      (_, index) => pattern[index % pattern.length] ?? 0,
    );
  }

  /** Messages in field 17 of each other (15 bytes at most around each). */
  function nested(depth: number): Uint8Array {
    const parts: Buffer[] = [];
    let length = 0;
    for (let level = 0; level < depth; level++) {
      const varint: number[] = [];
      for (let rest = length; varint.length === 0 || rest > 0; rest >>>= 7)
        varint.push((rest & 127) | (rest > 127 ? 128 : 0));
      parts.push(Buffer.from([0x8a, 0x01, ...varint]));
      length += 2 + varint.length;
    }
    return Buffer.concat(parts.reverse());
  }

  it.each<[string, Uint8Array]>([
    ["messages 100,000 deep", nested(100_000)],
    ["unknown groups without an end", filledWith(0xc3, 0x3e)],
    ["a length of 2 GiB", Uint8Array.of(0x7a, 0xff, 0xff, 0xff, 0xff, 0x07)],
    ["a packed list of a length of 2 GiB", Uint8Array.of(0xa2, 0x01, 0xff, 0xff, 0xff, 0xff, 0x07)],
    ["varints without an end", filledWith(0xff)],
    ["zeros", filledWith(0)],
    ["text that is not UTF-8", filledWith(0x72, 1, 0xff)],
    ["a cut-off end after a megabyte of lists", filledWith(0xba, 0x01, 0x00).subarray(0, -1)],
  ])("are refused in time and space: %s", (_name, input) => {
    // The best of three: the bound is for the codec, not for what else the machine does.
    const costs = [1, 2, 3].map(() => {
      const before = process.memoryUsage();
      const start = performance.now();
      expect(() => kinds.decode(input)).toThrow(ZmqEchoError);
      const milliseconds = performance.now() - start;
      const after = process.memoryUsage();
      return { milliseconds, bytes: after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers };
    });
    // What goes wrong here takes seconds; a machine with other work to do may take tens of milliseconds for what is right.
    expect(Math.min(...costs.map((cost) => cost.milliseconds))).toBeLessThan(1000);
    expect(Math.min(...costs.map((cost) => cost.bytes))).toBeLessThan(50e6);
  });
});
