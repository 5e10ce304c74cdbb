import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createProtobufCodec } from "../../src/codecs/protobuf/protobuf.ts";

const folder = fileURLToPath(new URL("../data/", import.meta.url));

/** One codec with the same type both ways. */
function codecOf(proto: string, request: string) {
  return createProtobufCodec({ type: "protobuf", proto, request }, { role: "server", folder, name: "order" });
}

const kinds = codecOf("kinds.proto", "test.Kinds");
const wellKnown = codecOf("well-known.proto", "test.WellKnown");
const legacy = codecOf("legacy.proto", "legacy.Reading");
const plain = createProtobufCodec({ type: "protobuf" }, { role: "client", folder, name: "protobuf" });

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

/**
 * Bytes that Python's protobuf 4.21.12 wrote, after `protoc --python_out` of the files in test/data:
 * `json_format.ParseDict(…, Kinds()).SerializeToString(deterministic=True).hex()`.
 */
const VECTORS: { name: string; codec: typeof kinds; hex: string; value: unknown }[] = [
  {
    name: "every scalar at its limits",
    codec: kinds,
    hex: "08fbffffffffffffffff0110ffffffff0f18ffffffff0f25070000002df9ffffff308080808080808080800138ffffffffffffffffff0140fdffffffffffff1f49010000000000200051ffffffffffffffff5d0000c03f619a9999999999b9bf6801720c6772c3b6c39f6520f09f98807a0200ff800102",
    value: {
      anInt32: -5,
      anUint32: 4294967295,
      aSint32: -2147483648,
      aFixed32: 7,
      aSfixed32: -7,
      anInt64: -9223372036854775808n,
      anUint64: 18446744073709551615n,
      aSint64: -9007199254740991,
      aFixed64: 9007199254740993n,
      aSfixed64: -1,
      aFloat: 1.5,
      aDouble: -0.1,
      aBool: true,
      aString: "größe 😀",
      someBytes: new Uint8Array([0, 255]),
      color: "GREEN",
    },
  },
  {
    name: "messages in messages, lists packed and not, a given zero",
    codec: kinds,
    hex: "8a01058a01020801900100a2010d01ffffffffffffffffff01ac02aa010b0180808080808080808001b00101b00102ba0100ba010161c201020107ca0100ca01026801",
    value: {
      child: { child: { anInt32: 1 } },
      maybe: 0,
      numbers: [1, -1, 300],
      longs: [1, -9223372036854775808n],
      unpacked: [1, 2],
      texts: ["", "a"],
      colors: ["RED", 7],
      children: [{}, { aBool: true }],
    },
  },
  {
    name: "maps, and a zero in a oneof",
    codec: kinds,
    hex: "f201050a01611001f201050a01621000fa0112088080808080808080800112056c65617374820204080112 00c80200".replace(
      " ",
      "",
    ),
    value: {
      byName: { a: 1, b: 0 },
      byNumber: { "-9223372036854775808": "least" },
      byFlag: { true: {} },
      numberChoice: 0,
    },
  },
  {
    name: "fields named like an object's own members, or by json_name",
    codec: kinds,
    hex: "920301639a030172",
    // biome-ignore lint/complexity/useLiteralKeys: a computed key makes an own property for certain
    value: { ["constructor"]: "c", "another-name": "r" },
  },
  {
    name: "points in time, a duration, a field mask, an empty message",
    codec: wellKnown,
    hex: "0a1008ffffffffffffffffff011080e59a77121608ffffffffffffffffff011080b6ca91feffffffff011a1c0a13637573746f6d65722e66697273745f6e616d650a05746f74616c2a00a201060898c79cb206a2010b088092b8c398feffffff01",
    value: {
      at: new Date("1969-12-31T23:59:59.250Z"),
      lasts: { seconds: -1, nanos: -500_000_000 },
      mask: { paths: ["customer.first_name", "total"] },
      empty: {},
      times: [new Date("2024-05-17T09:30:00Z"), new Date("0001-01-01T00:00:00Z")],
    },
  },
  {
    name: "values of any shape",
    codec: wellKnown,
    hex: "320208003a260a240a0161121f321d0a0911000000000000f03f0a0208000a0c2a0a0a080a016212031a016342080a0220010a023200aa010e0a016b120911000000000000e0bf",
    value: { value: null, struct: { a: [1, null, { b: "c" }] }, list: [true, []], values: { k: -0.5 } },
  },
  {
    name: "wrappers, defaults in them included",
    codec: wellKnown,
    hex: "52005a050d0000c03f620b08808080808080808080016a0072007a0208018201008a0100920100",
    value: {
      aDouble: 0,
      aFloat: 1.5,
      anInt64: -9223372036854775808n,
      anUint64: 0,
      anInt32: 0,
      anUint32: 1,
      aBool: false,
      aString: "",
      someBytes: new Uint8Array(),
    },
  },
  { name: "a null that is a oneof's choice", codec: wellKnown, hex: "f00100", value: { noChoice: null } },
  {
    name: "proto2: required and default values are written, lists are not packed, extensions are in brackets",
    codec: legacy,
    hex: "0800100a180120012002320038013802a206056e6f727468",
    value: {
      id: 0,
      scale: 10,
      level: "LOW",
      levels: ["LOW", "HIGH"],
      note: "",
      samples: [1, 2],
      "[legacy.site]": "north",
    },
  },
  {
    name: "google.protobuf.Value without a schema",
    codec: plain,
    hex: "2a250a230a0161121e321c0a0911000000000000f03f0a0208000a0220010a031a01780a022a00",
    value: { a: [1, null, true, "x", {}] },
  },
];

describe("the bytes of another library", () => {
  it.each(VECTORS)("encodes $name", ({ codec, hex, value }) => {
    expect(hexOf(codec.encode(value as never))).toBe(hex);
  });

  it.each(VECTORS)("decodes $name", ({ codec, hex, value }) => {
    expect(codec.decode(bytesOf(hex))).toEqual(value);
  });
});

describe("decoding", () => {
  it("leaves absent fields absent, and a default on the wire too where presence is not tracked", () => {
    expect(kinds.decode(new Uint8Array())).toEqual({});
    expect(kinds.decode(bytesOf("0800680072007a00"))).toEqual({});
    expect(kinds.decode(bytesOf("900100"))).toEqual({ maybe: 0 });
  });

  it("reads lists packed and unpacked, whichever the schema says", () => {
    expect(kinds.decode(bytesOf("a00101a201020203"))).toEqual({ numbers: [1, 2, 3] });
    expect(kinds.decode(bytesOf("b201020304b00105"))).toEqual({ unpacked: [3, 4, 5] });
  });

  it("passes unknown fields over, groups among them", () => {
    expect(kinds.decode(bytesOf("c03e01ca3e0178d33e0801d43e0805"))).toEqual({ anInt32: 5 });
  });

  it("keeps the last member of a oneof, and merges a message that comes in pieces", () => {
    expect(kinds.decode(bytesOf("c2020161c80207"))).toEqual({ numberChoice: 7 });
    expect(kinds.decode(bytesOf("8a010208058a01021003"))).toEqual({ child: { anInt32: 5, anUint32: 3 } });
    expect(wellKnown.decode(bytesOf("0a0208010a061080cab5ee01"))).toEqual({ at: new Date(1500) });
  });

  it("treats a number that a closed enum lacks as an unknown field, and keeps that of an open one", () => {
    expect(legacy.decode(bytesOf("0801180920022009"))).toEqual({ id: 1, levels: ["HIGH"] });
    expect(kinds.decode(bytesOf("800109"))).toEqual({ color: 9 });
  });

  it("reads a Value without a kind as null, and cuts a Timestamp to milliseconds", () => {
    expect(plain.decode(new Uint8Array())).toBeNull();
    expect(wellKnown.decode(bytesOf("0a07080110ffc7d007"))).toEqual({ at: new Date(1015) });
  });

  it("makes bytes of their own, which do not change with the message", () => {
    const message = Buffer.from("7a0200ff", "hex");
    const { someBytes } = kinds.decode(message) as { someBytes: Uint8Array };
    message.fill(1);
    expect(Object.getPrototypeOf(someBytes)).toBe(Uint8Array.prototype);
    expect([...someBytes]).toEqual([0, 255]);
  });

  it.each([
    [
      "a known field in another wire type",
      "0a0100",
      "order can't decode $.anInt32: field 1 came with wire type 2, but int32 has 0",
    ],
    ["a truncated value", "61000000", "$.aDouble: the bytes end inside a value"],
    ["a length beyond its message", "8a01ffffffff07", "$.child: a length leads beyond the end of its message"],
    ["a packed list that ends inside a value", "a20101ff", "$.numbers[0]: the bytes end inside a value"],
    ["bad UTF-8", "ba0101ff", "$.texts[0]: a string is not valid UTF-8"],
    ["bad UTF-8 in a map's key", "f201030a01ff", "$.byName: a string is not valid UTF-8"],
    [
      "a map key that is a prototype",
      `f2010d0a095f5f70726f746f5f5f1001`,
      '$.byName: the map key "__proto__" is not allowed',
    ],
    ["a varint without an end", "08ffffffffffffffffffff01", "$.anInt32: invalid varint encoding"],
    ["field number 0", "0001", "$: illegal tag: field number 0"],
    ["an unknown field whose varint has more than ten bytes", `c80a${"80".repeat(10)}01`, "$: invalid varint encoding"],
    ["such a varint in an unknown group", `d30a08${"80".repeat(10)}01d40a`, "$: invalid varint encoding"],
    ["the end of a group that never began", "0c", "$.anInt32: field 1 came with wire type 4, but int32 has 0"],
    ["a group without an end", "c33e", "$: the bytes end inside a value"],
  ])("refuses %s", (_name, hex, message) => {
    expect(() => kinds.decode(bytesOf(hex))).toThrow(message);
  });

  it.each([
    ["a Timestamp after the year 9999", wellKnown, "0a06088092b8ce98fe00", "$.at"],
    [
      "a Timestamp with more nanos than a second has",
      wellKnown,
      "0a06108094ebdc03",
      "$.at: 1000000000 is out of range",
    ],
    ["a NaN in a Value", plain, "11000000000000f87f", "google.protobuf.Value can't hold NaN"],
    ["a message without its required field", legacy, "100a", 'the required field "id" of legacy.Reading is missing'],
    ["a prototype in a Struct", plain, "2a0f0a0d0a095f5f70726f746f5f5f1200", '"__proto__" is not allowed'],
  ])("refuses %s", (_name, codec, hex, message) => {
    expect(() => codec.decode(bytesOf(hex))).toThrow(message);
  });
});

describe("encoding", () => {
  it("leaves null, undefined and untracked defaults out", () => {
    const value = {
      anInt32: 0,
      aString: "",
      aBool: false,
      maybe: null,
      child: undefined,
      numbers: [],
      someBytes: new Uint8Array(),
    };
    expect(kinds.encode(value as never).length).toBe(0);
  });

  it("takes the names of the .proto file too", () => {
    expect(hexOf(kinds.encode({ an_int32: 1, by_name: { a: 1 }, renamed: "r" }))).toBe("0801f201050a016110019a030172");
  });

  it("takes 64-bit integers as numbers or bigints, and enums as numbers", () => {
    const value = { anInt64: 5n, aFixed64: 2, color: 2 };
    expect(kinds.decode(kinds.encode(value))).toEqual({ anInt64: 5, aFixed64: 2, color: "GREEN" });
  });

  it("makes bytes that later messages don't overwrite", () => {
    const first = kinds.encode({ aString: "first" });
    const before = hexOf(first);
    for (let index = 0; index < 5_000; index++) kinds.encode({ aString: `message ${index}` });
    expect(hexOf(first)).toBe(before);
  });

  it.each<[string, unknown, string]>([
    [
      "an unknown field",
      { anInt23: 1 },
      'order can\'t encode $: test.Kinds has no field "anInt23"; did you mean "anInt32"?',
    ],
    [
      "an unknown field deep inside",
      { children: [{}, { colour: 1 }] },
      '$.children[1]: test.Kinds has no field "colour"',
    ],
    ["text for a number", { anInt32: "1" }, '$.anInt32: expected int32, got the string "1"'],
    ["a fraction for an integer", { numbers: [1, 1.5] }, "$.numbers[1]: 1.5 is no integer, and this is int32"],
    [
      "a number out of range",
      { anInt32: 2 ** 31 },
      "$.anInt32: 2147483648 is out of range for int32 (-2147483648 to 2147483647)",
    ],
    ["a negative unsigned number", { anUint32: -1 }, "$.anUint32: -1 is out of range for uint32 (0 to 4294967295)"],
    ["a negative unsigned long", { anUint64: -1 }, "$.anUint64: -1 is out of range for uint64"],
    ["a bigint beyond 64 bits", { anInt64: 2n ** 63n }, "$.anInt64: 9223372036854775808n is out of range for int64"],
    ["a number that lost digits", { anInt64: 2 ** 53 }, "$.anInt64: 9007199254740992 is beyond ±(2^53-1)"],
    ["a bigint for 32 bits", { anInt32: 5n }, "$.anInt32: expected int32, got 5n"],
    ["a number too large for a float", { aFloat: 1e39 }, "$.aFloat: 1e+39 is out of range for float (32 bits)"],
    ["null for bytes in a list", { texts: [null] }, "$.texts[0]: expected string, got null"],
    ["text for bytes", { someBytes: "AA==" }, "$.someBytes: expected bytes (a Uint8Array), got the string"],
    ["half of a surrogate pair", { aString: "\ud800" }, "$.aString: half of a surrogate pair"],
    [
      "a bad enum name",
      { color: "GREN" },
      '$.color: the string "GREN" is no name of the enum test.Color; did you mean "GREEN"?',
    ],
    ["an enum number beyond 32 bits", { color: 2 ** 31 }, "$.color: 2147483648 is no number of the enum test.Color"],
    [
      "two members of a oneof",
      { textChoice: "a", numberChoice: 0 },
      '$: "textChoice" and "numberChoice" are both given',
    ],
    ["a field under both of its names", { anInt32: 1, an_int32: 2 }, '$: the field "anInt32" is given twice'],
    ["one value for a list", { numbers: 1 }, "$.numbers: expected an array of int32, got 1"],
    ["a list for a message", { child: [] }, "$.child: expected test.Kinds (an object), got an array"],
    ["a map key of another type", { byNumber: { five: "" } }, '$.byNumber.five: expected int64, got the string "five"'],
    ["a map key that is no boolean", { byFlag: { yes: {} } }, '$.byFlag.yes: expected bool, got the string "yes"'],
    ["a value of a map", { byName: { "a b": 1.5 } }, '$.byName["a b"]: 1.5 is no integer'],
    ["null for a whole message", null, "$: expected test.Kinds (an object), got null"],
    ["a Date for a whole message", new Date(), "$: expected test.Kinds (an object), got a Date"],
  ])("refuses %s", (_name, value, message) => {
    expect(() => kinds.encode(value as never)).toThrow(message);
  });

  it.each<[string, typeof kinds, unknown, string]>([
    [
      "proto2: a missing required field",
      legacy,
      { scale: 1 },
      '$: the required field "id" of legacy.Reading is missing',
    ],
    [
      "proto2: a number that a closed enum lacks",
      legacy,
      { id: 1, level: 9 },
      "$.level: 9 is no number of the enum legacy.Level",
    ],
    ["a date that is none", wellKnown, { at: new Date(Number.NaN) }, "$.at: a Date outside of the years 1 to 9999"],
    ["text for a Timestamp", wellKnown, { at: "now" }, '$.at: expected a Date, got the string "now"'],
    ["null in a list of wrappers' like", wellKnown, { times: [null] }, "$.times[0]: expected a Date, got null"],
    ["a wrapper's value of another type", wellKnown, { anInt32: "1" }, '$.anInt32: expected int32, got the string "1"'],
    [
      "a Date in a Value",
      wellKnown,
      { value: { a: [new Date(0)] } },
      "$.value.a[0]: google.protobuf.Value can't hold a Date; give date.toISOString()",
    ],
    [
      "bytes in a Value",
      plain,
      { a: new Uint8Array(1) },
      "$.a: google.protobuf.Value can't hold bytes; give base64 text",
    ],
    [
      "a bigint in a Value",
      plain,
      [2n ** 60n],
      "$[0]: google.protobuf.Value can't hold 1152921504606846976n; give decimal text",
    ],
    ["Infinity in a Value", plain, Number.POSITIVE_INFINITY, "$: google.protobuf.Value can't hold Infinity"],
    [
      "an array for a Struct",
      wellKnown,
      { struct: [] },
      "$.struct: expected google.protobuf.Struct (an object), got an array",
    ],
    ["members in an Empty", wellKnown, { empty: { a: 1 } }, "$.empty: expected google.protobuf.Empty"],
  ])("refuses %s", (_name, codec, value, message) => {
    expect(() => codec.encode(value as never)).toThrow(message);
  });
});

describe("roles", () => {
  const spec = {
    type: "protobuf",
    proto: "kinds.proto",
    request: "test.Kinds",
    response: "google.protobuf.Int32Value",
  } as const;

  it("a server decodes the request's type and encodes the response's; a client the other way round", () => {
    const server = createProtobufCodec(spec, { role: "server", folder, name: "order" });
    const client = createProtobufCodec(spec, { role: "client", folder, name: "order" });
    expect(server.decode(client.encode({ maybe: 1 }))).toEqual({ maybe: 1 });
    expect(client.decode(server.encode(7))).toBe(7);
  });

  it("a handler that returns nothing fits google.protobuf.Empty", () => {
    const codec = createProtobufCodec(
      { ...spec, response: "google.protobuf.Empty" },
      { role: "server", folder, name: "order" },
    );
    expect(codec.encode(null).length).toBe(0);
  });
});
