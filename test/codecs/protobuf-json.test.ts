import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createProtobufCodec } from "../../src/codecs/protobuf/protobuf.ts";

const folder = fileURLToPath(new URL("../data/", import.meta.url));

function codecOf(proto: string, request: string) {
  return createProtobufCodec({ type: "protobuf", proto, request }, { role: "client", folder, name: "order" });
}

const kinds = codecOf("kinds.proto", "test.Kinds");
const wellKnown = codecOf("well-known.proto", "test.WellKnown");

describe("what ProtoJSON becomes", () => {
  it.each<[string, unknown, unknown]>([
    [
      "64-bit integers as text",
      { anInt64: "-9223372036854775808", anUint64: "5" },
      { anInt64: -9223372036854775808n, anUint64: 5 },
    ],
    ["64-bit integers as numbers", { anInt64: 7, longs: ["1", 2] }, { anInt64: 7, longs: [1, 2] }],
    ["numbers as text", { anInt32: "-1", aDouble: "1.5e3" }, { anInt32: -1, aDouble: 1500 }],
    [
      "numbers that JSON lacks",
      { aDouble: "NaN", aFloat: "-Infinity" },
      { aDouble: Number.NaN, aFloat: Number.NEGATIVE_INFINITY },
    ],
    ["base64", { someBytes: "+/8=" }, { someBytes: new Uint8Array([0xfb, 0xff]) }],
    ["base64 for URLs, unpadded", { someBytes: "-_8" }, { someBytes: new Uint8Array([0xfb, 0xff]) }],
    ["names of the .proto file", { an_int64: "1" }, { an_int64: 1 }],
    [
      "messages, lists and maps of them",
      { children: [{ anInt64: "1" }], byFlag: { true: { anInt64: "2" } } },
      { children: [{ anInt64: 1 }], byFlag: { true: { anInt64: 2 } } },
    ],
    ["null", { child: null, anInt64: null }, { child: null, anInt64: null }],
  ])("%s", (_name, json, value) => {
    expect(kinds.fromJson(json)).toEqual(value);
    expect(kinds.encode(kinds.fromJson(json) as never)).toEqual(kinds.encode(value as never));
  });

  it.each<[string, unknown, unknown]>([
    ["a time", { at: "2024-05-17T11:30:00.25+02:00" }, { at: new Date("2024-05-17T09:30:00.250Z") }],
    [
      "a time with nine digits of which three count",
      { at: "0001-01-01T00:00:00.120000000Z" },
      { at: new Date("0001-01-01T00:00:00.120Z") },
    ],
    ["a duration", { lasts: "-1.000340012s" }, { lasts: { seconds: -1, nanos: -340012 } }],
    ["a field mask", { mask: "customer.firstName,total" }, { mask: { paths: ["customer.first_name", "total"] } }],
    [
      "wrappers",
      { anInt64: "9007199254740993", someBytes: "AA==", aString: null },
      { anInt64: 9007199254740993n, someBytes: new Uint8Array(1), aString: null },
    ],
    [
      "any JSON in a Value",
      { value: { a: ["1", null, 2] }, struct: { b: "AA==" } },
      { value: { a: ["1", null, 2] }, struct: { b: "AA==" } },
    ],
  ])("%s", (_name, json, value) => {
    expect(wellKnown.fromJson(json)).toEqual(value);
    expect(wellKnown.encode(wellKnown.fromJson(json) as never)).toEqual(wellKnown.encode(value as never));
  });
});

describe("what is no ProtoJSON", () => {
  it.each<[string, typeof kinds, unknown, string]>([
    [
      "bytes that are not base64",
      kinds,
      { children: [{ someBytes: "?" }] },
      '$.children[0].someBytes: the string "?" is not base64',
    ],
    ["a day that does not exist", wellKnown, { at: "2024-02-30T00:00:00Z" }, "$.at: the string"],
    ["a time without its zone", wellKnown, { at: "2024-02-28T00:00:00" }, "is no time as in RFC 3339"],
    [
      "a time finer than a Date",
      wellKnown,
      { times: ["2024-02-28T00:00:00.0001Z"] },
      "is finer than the milliseconds of a Date",
    ],
    ["a duration without its unit", wellKnown, { lasts: "1.5" }, "is no duration in seconds"],
  ])("%s is refused at once", (_name, codec, json, message) => {
    expect(() => codec.fromJson(json)).toThrow(message);
  });

  it.each<[string, unknown, string]>([
    ["an unknown field", { anInt23: "1" }, 'no field "anInt23"'],
    ["a number that JSON.parse rounded", JSON.parse(`{"anInt64":9007199254740993}`), "may have lost digits"],
    ["text that is no number", { anInt32: "0x10" }, '$.anInt32: expected int32, got the string "0x10"'],
    ["a prototype for a key", JSON.parse('{"byName":{"__proto__":1}}'), '"__proto__" is not allowed'],
  ])("%s is refused when it is encoded", (_name, json, message) => {
    const value = kinds.fromJson(json);
    expect(() => kinds.encode(value as never)).toThrow(message);
  });

  it("nesting without end is an error, not the end of the stack", () => {
    let json: unknown = {};
    for (let depth = 0; depth < 100_000; depth++) json = { child: json };
    expect(() => kinds.fromJson(json)).toThrow("messages nest more than 300 deep");
  });
});
