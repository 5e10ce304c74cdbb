/** Messages of up to 1 MiB that a decoder has to refuse, by codec. */
import { createCodec } from "../../src/codecs/registry.ts";

const MIB = 1024 * 1024;

type Hostile = readonly (readonly [name: string, bytes: Uint8Array])[];

const sample = {
  id: 12345,
  name: "Hello world! ÄÖÜ 🎈",
  tags: ["a", "b"],
  deep: { on: true, off: false, none: null, half: 1.5, big: 2 ** 40 },
};

/** The encoding of a plain document, cut at every byte. */
function truncations(codec: string): Hostile {
  const bytes = createCodec(codec as "json").encode(sample);
  return Array.from(bytes, (_, length) => [`a document cut at byte ${length}`, bytes.subarray(0, length)] as const);
}

function repeat(length: number, ...unit: number[]): Buffer {
  return Buffer.alloc(Math.floor(length / unit.length) * unit.length, Buffer.from(unit));
}

/** `head`, the count as 32 bits, and as much of `unit` as makes `length` bytes. */
function filled(length: number, head: number, ...unit: number[]): Buffer {
  const body = repeat(length, ...unit);
  const start = Buffer.from([head, 0, 0, 0, 0]);
  start.writeUInt32BE(body.length / unit.length, 1);
  return Buffer.concat([start, body]);
}

export const HOSTILE: Readonly<Record<"json" | "cbor" | "msgpack", Hostile>> = {
  json: [
    ...truncations("json"),
    ["nothing but blanks", repeat(MIB, 0x20)],
    ["nothing but zeros", repeat(MIB, 0)],
    ["100,000 arrays in each other", Buffer.from("[".repeat(100_000) + "]".repeat(100_000))],
    ["524,288 arrays in each other", Buffer.from("[".repeat(MIB / 2) + "]".repeat(MIB / 2))],
    ["a mebibyte of opening brackets", repeat(MIB, 0x5b)],
    ["a mebibyte of objects in each other", Buffer.from('{"a":'.repeat(MIB / 5))],
    ["129 arrays in each other", Buffer.from("[".repeat(129) + "]".repeat(129))],
    ["deep nesting behind a string with brackets and quotes", Buffer.from(`["\\"[[[{{",${"[".repeat(20_000)}`)],
    ["a string without an end", Buffer.concat([Buffer.from('"'), repeat(MIB - 1, 0x61)])],
    ["bad UTF-8 at the end", Buffer.concat([Buffer.from('"'), repeat(MIB - 3, 0x61), Buffer.from([0xff, 0x22])])],
    ["half a surrogate in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["an overlong slash", Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ["UTF-16", Buffer.from('{"a":1}', "utf16le")],
    ["the key __proto__", Buffer.from('{"a":[{"__proto__":{"admin":true}}]}')],
    ["the key __proto__, escaped", Buffer.from('{"\\u005f_proto__":{"admin":true}}')],
    ["a number beyond a double", Buffer.from('{"a":[1e999]}')],
    ["a mebibyte of digits", repeat(MIB, 0x39)],
    ["NaN", Buffer.from("[NaN]")],
    ["two documents", Buffer.from("{}{}")],
    ["a comment", Buffer.from("{/**/}")],
  ],
  cbor: [
    ...truncations("cbor"),
    ["a byte string of 2^64-1 bytes", Buffer.from("5bffffffffffffffff00", "hex")],
    ["a text of 4 GiB", Buffer.from("7affffffff61", "hex")],
    ["an array of 2^64-1 items", Buffer.from("9bffffffffffffffff00", "hex")],
    ["an array of 2^32-1 items", Buffer.from("9affffffff00", "hex")],
    ["a map of 2^32-1 pairs", Buffer.from("baffffffff6161", "hex")],
    ["arrays that each say they hold the rest", repeat(MIB, 0x9a, 0x00, 0x0f, 0x00, 0x00)],
    ["a mebibyte of arrays in each other", repeat(MIB, 0x81)],
    ["100,000 open arrays in each other", Buffer.concat([repeat(100_000, 0x9f), repeat(100_000, 0xff)])],
    ["a mebibyte of maps in each other", repeat(MIB, 0xa1, 0x61, 0x61)],
    ["129 arrays in each other", Buffer.concat([repeat(128, 0x81), Buffer.from([0x80])])],
    ["a mebibyte of dropped tags with nothing behind", repeat(MIB, 0xd9, 0xd9, 0xf7)],
    ["a mebibyte of tags 1", repeat(MIB, 0xc1)],
    ["a bignum of a mebibyte", Buffer.concat([Buffer.from([0xc2, 0x5a, 0, 0x0f, 0xff, 0xfa]), repeat(MIB - 6, 0xff)])],
    ["a bignum of 257 bytes", Buffer.concat([Buffer.from([0xc3, 0x59, 1, 1]), repeat(257, 0xff)])],
    [
      "a bignum in a mebibyte of chunks",
      Buffer.concat([Buffer.from([0xc2, 0x5f]), repeat(MIB - 3, 0x41, 1), Buffer.from([0xff])]),
    ],
    ["a bignum of text", Buffer.from("c26130", "hex")],
    ["a fraction with a bignum for exponent", Buffer.from("c482c2410101", "hex")],
    ["a fraction beyond a double", Buffer.from("c4821903e801", "hex")],
    ["a bigfloat beyond a double", Buffer.from("c5821a7fffffff01", "hex")],
    ["a fraction of three", Buffer.from("c483010203", "hex")],
    ["bad UTF-8", Buffer.from("62c328", "hex")],
    ["half a surrogate in UTF-8", Buffer.from("63eda080", "hex")],
    ["an overlong slash", Buffer.from("62c0af", "hex")],
    [
      "bad UTF-8 at the end of a mebibyte",
      Buffer.concat([Buffer.from([0x7a, 0, 0x0f, 0xff, 0xfb]), repeat(MIB - 6, 0x61), Buffer.from([0xff])]),
    ],
    ["a character split over two chunks", Buffer.from("7f61c361a4ff", "hex")],
    ["an open string in an open string", Buffer.from("7f7f6161ffff", "hex")],
    ["bytes among the chunks of a text", Buffer.from("7f41616161ff", "hex")],
    ["an open string without an end", repeat(MIB, 0x7f, ...Array(255).fill(0x60))],
    ["the key __proto__", Buffer.from([0xa1, 0x69, ...Buffer.from("__proto__"), 0xa0])],
    [
      "the key __proto__ in chunks",
      Buffer.from([0xa1, 0x7f, 0x62, 0x5f, 0x5f, 0x67, ...Buffer.from("proto__"), 0xff, 0xa0]),
    ],
    [
      "the key __proto__ in the longest form",
      Buffer.from([0xa1, 0x7b, 0, 0, 0, 0, 0, 0, 0, 9, ...Buffer.from("__proto__"), 0xa0]),
    ],
    ["a key that is a float", Buffer.from("a1f93c0001", "hex")],
    ["a key that is an array", Buffer.from("a1800001", "hex")],
    ["a key that is a map", filled(MIB - 5, 0xba, 0xa0, 0x00)],
    ["a key that is null", Buffer.from("a1f600", "hex")],
    ["the same key twice", Buffer.from("a2616101616102", "hex")],
    ["the same key as text and as an integer", Buffer.from("a2613101 0102".replaceAll(" ", ""), "hex")],
    ["the same key 10,000 times", filled(30_000, 0xba, 0x61, 0x61, 0x00)],
    ["a value that shares itself (tags 28, 29)", Buffer.from("d81c81d81d00", "hex")],
    ["a shared reference to nothing", Buffer.from("d81d00", "hex")],
    [
      "a generic object (tag 27)",
      Buffer.from("d81b8265526567457870612e".replace("65526567457870", "66526567457870"), "hex"),
    ],
    ["a set (tag 258)", Buffer.from("d9010281 01".replaceAll(" ", ""), "hex")],
    ["a map by tag 259", Buffer.from("d90103a1 0102".replaceAll(" ", ""), "hex")],
    ["a packed table (tag 51)", Buffer.from("d833848161618080e0", "hex")],
    ["a packed reference (tag 6)", Buffer.from("c600", "hex")],
    ["a record definition (tag 57343)", Buffer.from("d9dfff8319e000816161 01".replaceAll(" ", ""), "hex")],
    ["a legacy record (tag 105)", Buffer.from("d8698319e00081616101", "hex")],
    ["a use of a record (tag 57344)", Buffer.from("d9e0008101", "hex")],
    ["bundled strings (tag 57337)", Buffer.from("d9dff9821a0000000161618061", "hex")],
    ["a tag of 64 bits", Buffer.from("dbffffffffffffffff00", "hex")],
    ["a tag without content", Buffer.from("c1", "hex")],
    ["a date of text that is none", Buffer.from("c063666f6f", "hex")],
    ["a date on the 30th of February", Buffer.from([0xc0, 0x74, ...Buffer.from("2013-02-30T20:04:00Z")])],
    ["a date by number in text", Buffer.from("c16131", "hex")],
    ["a date that is true", Buffer.from("c1f5", "hex")],
    ["a date that is NaN", Buffer.from("c1f97e00", "hex")],
    ["a date after the last one", Buffer.from("c11bffffffffffffffff", "hex")],
    ["embedded CBOR that is text", Buffer.from("d8186161", "hex")],
    ["a URI that is a number", Buffer.from("d82001", "hex")],
    ["a break at the top", Buffer.from("ff", "hex")],
    ["a break in an array of known length", Buffer.from("8101ff", "hex")],
    ["a break in place of an item", Buffer.from("82ff01", "hex")],
    ["a break in place of a value", Buffer.from("bf6161ff", "hex")],
    ["a break behind a tag", Buffer.from("9fc1ff", "hex")],
    ["an integer of open length", Buffer.from("1f", "hex")],
    ["a tag of open length", Buffer.from("df00", "hex")],
    ...[0x1c, 0x1d, 0x1e, 0x3c, 0x5d, 0x7e, 0x9c, 0xbd, 0xde, 0xfc].map(
      (byte) => [`the reserved byte 0x${byte.toString(16)}`, Buffer.from([byte, 0, 0, 0, 0, 0, 0, 0, 0, 0])] as const,
    ),
    ["the simple value 0", Buffer.from("e0", "hex")],
    ["the simple value 19", Buffer.from("f3", "hex")],
    ["true in two bytes", Buffer.from("f815", "hex")],
    ["the simple value 32", Buffer.from("f820", "hex")],
    ["two documents", Buffer.from("0000", "hex")],
    ["a mebibyte of zeros", repeat(MIB, 0)],
  ],
  msgpack: [
    ...truncations("msgpack"),
    ["an array of 2^32-1 items", Buffer.from("ddffffffff00", "hex")],
    ["an array of 2^25 items", Buffer.from("dd0200000000", "hex")],
    ["a map of 2^32-1 pairs", Buffer.from("dfffffffffa161", "hex")],
    ["a text of 4 GiB", Buffer.from("dbffffffff61", "hex")],
    ["bytes of 4 GiB", Buffer.from("c6ffffffff61", "hex")],
    ["an extension of 4 GiB", Buffer.from("c9ffffffffff61", "hex")],
    ["arrays that each say they hold the rest", repeat(MIB, 0xdd, 0x00, 0x0f, 0x00, 0x00)],
    ["a mebibyte of arrays in each other", repeat(MIB, 0x91)],
    ["100,000 arrays in each other", Buffer.concat([repeat(100_000, 0x91), Buffer.from([0xc0])])],
    ["a mebibyte of maps in each other", repeat(MIB, 0x81, 0xa1, 0x61)],
    ["129 arrays in each other", Buffer.concat([repeat(128, 0x91), Buffer.from([0x90])])],
    ["the byte 0xc1", Buffer.from("c1", "hex")],
    ["the byte 0xc1 in an array", Buffer.from("92c0c1", "hex")],
    ["bad UTF-8", Buffer.from("a2c328", "hex")],
    ["half a surrogate in UTF-8", Buffer.from("a3eda080", "hex")],
    ["bad UTF-8 in a key", Buffer.from("81a2c32800", "hex")],
    [
      "bad UTF-8 at the end of a mebibyte",
      Buffer.concat([Buffer.from([0xdb, 0, 0x0f, 0xff, 0xfb]), repeat(MIB - 6, 0x61), Buffer.from([0xff])]),
    ],
    ["the key __proto__", Buffer.from([0x81, 0xa9, ...Buffer.from("__proto__"), 0x80])],
    ["the key __proto__ in the longest form", Buffer.from([0x81, 0xdb, 0, 0, 0, 9, ...Buffer.from("__proto__"), 0x80])],
    ["a key that is nil", Buffer.from("81c000", "hex")],
    ["a key that is a float", Buffer.from("81cb3ff000000000000000", "hex")],
    ["a key that is bytes", Buffer.from("81c4016100", "hex")],
    ["a key that is a map", filled(MIB - 5, 0xdf, 0x80, 0x00)],
    ["a key that is a date", Buffer.from("81d6ff0000000000", "hex")],
    ["the same key twice", Buffer.from("82a16101a16102", "hex")],
    ["the same key as text and as an integer", Buffer.from("82a131010102", "hex")],
    ["the same key 10,000 times", filled(30_000, 0xdf, 0xa1, 0x61, 0x00)],
    ["an unknown extension", Buffer.from("d40100", "hex")],
    ["an unknown extension of a negative type", Buffer.from("d4fe00", "hex")],
    ["a timestamp of 1 byte", Buffer.from("d4ff00", "hex")],
    ["a timestamp of 5 bytes", Buffer.from("c705ff0000000000", "hex")],
    ["a timestamp with a second of nanoseconds", Buffer.from("d7ffee6b280000000000", "hex")],
    ["a timestamp of 96 bits with a second of nanoseconds", Buffer.from("c70cff3b9aca000000000000000000", "hex")],
    ["a timestamp after the last date", Buffer.from("c70cff000000007fffffffffffffff", "hex")],
    ["two documents", Buffer.from("c0c0", "hex")],
    ["a mebibyte of zeros", repeat(MIB, 0)],
  ],
};
