import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";

const msgpack = createCodec("msgpack");
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(/[- ]/g, ""), "hex");
const decode = (hex: string) => msgpack.decode(bytesOf(hex));
const encode = (value: unknown) => Buffer.from(msgpack.encode(value)).toString("hex");

type Case = { readonly msgpack: readonly string[] } & Readonly<Record<string, unknown>>;

const suite: Record<string, Case[]> = JSON.parse(
  readFileSync(new URL("../data/msgpack-test-suite.json", import.meta.url), "utf8"),
);

/** The suite writes bytes as hex, large integers as text, and times as seconds and nanoseconds. */
function modelOf({ msgpack: _, ...named }: Case): unknown {
  if (typeof named.bignum === "string") {
    const number = Number(named.bignum);
    return Number.isSafeInteger(number) ? number : BigInt(named.bignum);
  }
  const [[kind, value] = ["", null]] = Object.entries(named).filter(([key]) => key !== "bignum");
  if (kind === "binary") return new Uint8Array(bytesOf(value as string));
  if (kind !== "timestamp") return value;
  const [seconds = 0, nanoseconds = 0] = value as number[];
  return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
}

function isExact({ timestamp }: Case): boolean {
  return !Array.isArray(timestamp) || timestamp[1] % 1e6 === 0;
}

const cases = Object.values(suite)
  .flat()
  .filter((each) => !("ext" in each));

describe("the MessagePack test suite", () => {
  test("is all there", () => {
    expect(cases.length).toBeGreaterThan(70);
  });

  test.each(cases.map((each) => ({ each, name: JSON.stringify(each).slice(0, 80) })))("$name", ({ each }) => {
    for (const hex of each.msgpack) expect(decode(hex)).toEqual(modelOf(each));
    const forms = each.msgpack.map((hex) => hex.replaceAll("-", ""));
    if (isExact(each)) expect(forms).toContain(encode(modelOf(each)));
  });

  test.each((suite["60.ext.yaml"] ?? []).flatMap((each) => each.msgpack))("the extension %s is refused", (hex) => {
    expect(() => decode(hex)).toThrow(/^msgpack can't decode this: the extension of type \d at byte \d is unknown$/);
  });
});

describe("what the library writes otherwise", () => {
  test.each<[string, unknown, string]>([
    ["a Map is a map", new Map([["a", 1]]), "81a16101"],
    ["an integer above 32 bits is one", [2 ** 32, -(2 ** 31) - 1], "92cf0000000100000000d3ffffffff7fffffff"],
    ["integers of 64 bits", [2n ** 64n - 1n, -(2n ** 63n)], "92cfffffffffffffffffd38000000000000000"],
    ["a float that is no safe integer stays one", 2 ** 53, "cb4340000000000000"],
    ["undefined is nil, or nothing", [undefined, { a: undefined }], "92c080"],
  ])("%s", (_, value, hex) => {
    expect(encode(value)).toBe(hex);
  });

  test.each([2n ** 64n, -(2n ** 63n) - 1n])("an integer of more than 64 bits (%s) is refused", (value) => {
    expect(() => msgpack.encode({ a: value })).toThrow("msgpack can't encode $.a: an integer that is too large");
  });

  test("text that UTF-8 can't hold is refused", () => {
    expect(() => msgpack.encode(["\ud800"])).toThrow("msgpack can't encode $[0]: a string with half a surrogate pair");
  });

  test("nesting up to the limit is written and read", () => {
    let value: unknown = [];
    for (let level = 1; level < 128; level++) value = [value];
    expect(msgpack.decode(msgpack.encode(value))).toEqual(value);
  });
});

test("keys of integers become text", () => {
  expect(decode("83 01 a161 ff a162 cf001fffffffffffffff a163".replace("1fffffffffffffff", "1fffffffffffff"))).toEqual({
    "1": "a",
    "-1": "b",
    "9007199254740991": "c",
  });
});

test("an integer is a number if one holds it, whatever bytes it took", () => {
  expect(decode("93 cf0000000000000005 d3ffffffffffffffff cf0020000000000000")).toEqual([5, -1, 2n ** 53n]);
});

test("a leading U+FEFF stays, in text and keys of any length", () => {
  for (const length of [0, 1, 28, 29, 197, 198, 199, 250, 252, 253, 65_529, 65_535]) {
    const text = `\ufeff${"a".repeat(length)}`;
    expect(msgpack.decode(msgpack.encode([{ [text]: text }, "after"]))).toEqual([{ [text]: text }, "after"]);
  }
});

test("bytes of the result are Uint8Arrays of their own, also from a Buffer", () => {
  const message = Buffer.from("91c403010203", "hex");
  const [bytes] = msgpack.decode(message) as [Uint8Array];
  message.fill(0);
  expect(bytes).toStrictEqual(new Uint8Array([1, 2, 3]));
});
