import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { normalize, type WalkRules } from "../../src/codecs/values.ts";

const rules: WalkRules = { codec: "test", direction: "encode", maxDepth: 128, maxNodes: 10_000 };

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < depth; level++) value = [value];
  return value;
}

describe("what fits already", () => {
  test("is returned as it is, not copied", () => {
    const value = { a: [1, "text", null, true, { bytes: new Uint8Array([1]), when: new Date(0) }], big: 2n ** 60n };
    expect(normalize(value, rules)).toBe(value);
  });

  test("may have no prototype", () => {
    const value = Object.assign(Object.create(null), { a: 1 });
    expect(normalize(value, rules)).toBe(value);
  });

  test("may hold the same object twice", () => {
    const shared = { a: 1 };
    expect(normalize([shared, shared], rules)).toEqual([{ a: 1 }, { a: 1 }]);
  });

  test("may be nested as deep as the limit", () => {
    expect(normalize(nested(128), rules)).toEqual(nested(128));
  });
});

describe("what is brought into the model", () => {
  test("is copied up to the root, and nothing is changed in place", () => {
    const untouched = { a: 1 };
    const value = { untouched, list: [{ set: new Set([1]) }] };
    const result = normalize(value, rules) as unknown as typeof value;
    expect(result).toEqual({ untouched: { a: 1 }, list: [{ set: [1] }] });
    expect(result.untouched).toBe(untouched);
    expect(value.list[0]?.set).toEqual(new Set([1]));
  });

  test("undefined properties are dropped, elsewhere undefined is null", () => {
    expect(Object.keys(normalize({ a: undefined, b: 1 }, rules) as object)).toEqual(["b"]);
    expect(normalize([undefined, 1], rules)).toEqual([null, 1]);
    expect(normalize(Array(2), rules)).toEqual([null, null]);
    expect(normalize(new Set([undefined]), rules)).toEqual([null]);
    expect(Object.keys(normalize(new Map([["a", undefined]]), rules) as object)).toEqual([]);
    expect(normalize(undefined, rules)).toBe(null);
  });

  test("the order of keys stays", () => {
    expect(Object.keys(normalize({ b: 1, a: undefined, c: new Set(), aa: 2 }, rules) as object)).toEqual([
      "b",
      "c",
      "aa",
    ]);
  });

  test("Maps with keys of text and integers become objects", () => {
    const map = new Map<unknown, unknown>([
      ["a", new Map([[2n ** 70n, 1]])],
      [-1, new Set([new Map()])],
    ]);
    expect(normalize(map, rules)).toEqual({ a: { "1180591620717411303424": 1 }, "-1": [{}] });
  });

  test("bigints that a number holds exactly become numbers", () => {
    expect(normalize([2n ** 53n - 1n, -(2n ** 53n - 1n), 2n ** 53n, -(2n ** 53n)], rules)).toEqual([
      2 ** 53 - 1,
      -(2 ** 53 - 1),
      2n ** 53n,
      -(2n ** 53n),
    ]);
  });

  test("a Buffer is bytes", () => {
    const buffer = Buffer.from("ab");
    expect(normalize(buffer, rules)).toBe(buffer);
  });

  test("objects of another realm, and arrays of a class, become plain ones", () => {
    const foreign = runInNewContext("({ list: [1, new Date(0), new Uint8Array([7])], map: new Map([['a', 1]]) })");
    const result = normalize(foreign, rules) as { list: unknown[] };
    expect(result).toEqual({ list: [1, new Date(0), new Uint8Array([7])], map: { a: 1 } });
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(result.list)).toBe(Array.prototype);
    class List extends Array<number> {}
    expect(Object.getPrototypeOf(normalize(List.of(1, 2), rules))).toBe(Array.prototype);
  });

  test("conversions are made where a codec asks for them, in keyed and listed places and at the root", () => {
    const asText: WalkRules = { ...rules, bytesAsBase64: true, bigintsAsText: true, datesAsText: true };
    const bytes = new Uint8Array([0, 255]);
    expect(normalize({ bytes, all: [bytes, 2n ** 64n, new Date(1)] }, asText)).toEqual({
      bytes: "AP8=",
      all: ["AP8=", "18446744073709551616", "1970-01-01T00:00:00.001Z"],
    });
    expect(normalize(new Date(1), asText)).toBe("1970-01-01T00:00:00.001Z");
    const wide: WalkRules = { ...rules, wideIntegersAsBigint: true };
    expect(
      normalize([2 ** 32, 2 ** 32 - 1, -(2 ** 31) - 1, -(2 ** 31), 2 ** 53, 2 ** 40 + 0.5, 5n, 2n ** 40n], wide),
    ).toEqual([2n ** 32n, 2 ** 32 - 1, -(2n ** 31n) - 1n, -(2 ** 31), 2 ** 53, 2 ** 40 + 0.5, 5, 2n ** 40n]);
  });
});

describe("what doesn't fit is an error with codec, direction and path", () => {
  const cyclic: Record<string, unknown> = { list: [{}] };
  (cyclic.list as unknown[]).push({ back: cyclic });
  const throughMap = new Map<string, unknown>();
  throughMap.set("self", throughMap);
  const wideCycle: unknown[] = Array(200).fill(0);
  for (let index = 0; index < 200; index++) wideCycle[index] = wideCycle;
  class Money {}

  test.each<[string, unknown, string]>([
    ["a function", { items: [0, { when() {} }] }, "$.items[1].when: a function"],
    ["a symbol", [Symbol("s")], "$[0]: a symbol"],
    ["a class instance", { price: new Money() }, "$.price: an instance of Money is no plain object"],
    ["an error", new Error("x"), "$: an instance of Error is no plain object"],
    ["a boxed primitive", [new String("x")], "$[0]: an instance of String is no plain object"],
    ["another typed array", [new Float32Array(1)], "$[0]: an instance of Float32Array is no plain object"],
    ["an ArrayBuffer", new ArrayBuffer(1), "$: an instance of ArrayBuffer is no plain object"],
    ["a promise", Promise.resolve(1), "$: an instance of Promise is no plain object"],
    ["an invalid date", { "due date": new Date(Number.NaN) }, '$["due date"]: an invalid date'],
    ["the key __proto__", { a: JSON.parse('{"__proto__":1}') }, '$.a: the key "__proto__" is not allowed'],
    ["a Map's key __proto__", [new Map([["__proto__", 1]])], '$[0]: the key "__proto__" is not allowed'],
    [
      "a Map with a key of another kind",
      [new Map([[1.5, 1]])],
      "$[0]: a Map with a key that is neither text nor an integer",
    ],
    [
      "a Map with two keys alike",
      new Map<unknown, unknown>([
        ["1", 1],
        [1, 2],
      ]),
      '$: a Map with two keys that are both "1"',
    ],
    ["a cycle", cyclic, "a cycle: the value contains itself"],
    ["a cycle through a Map", throughMap, "a cycle: the value contains itself"],
    ["a cycle that is wide too", wideCycle, "a cycle: the value contains itself"],
    ["nesting beyond the limit", nested(129), "nested deeper than 128"],
    ["nesting far beyond the limit", nested(100_000), "nested deeper than 128"],
  ])("%s", (_, value, text) => {
    const normalized = () => normalize(value, rules);
    expect(normalized).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(normalized).toThrow(/^test can't encode \$/);
    expect(normalized).toThrow(text);
  });

  test.each<[string, Partial<WalkRules>, unknown, string]>([
    ["NaN", { finite: true }, { a: Number.NaN }, "$.a: NaN is not a finite number"],
    ["Infinity at the root", { finite: true }, -Infinity, "$: -Infinity is not a finite number"],
    ["half a surrogate pair", { wellFormed: true }, ["\ud800x"], "$[0]: a string with half a surrogate pair"],
    ["half a surrogate pair in a key", { wellFormed: true }, { "\udc00": 1 }, "a key with half a surrogate pair"],
    [
      "a bigint out of range",
      { bigintRange: { min: 0n, max: 2n ** 64n } },
      [-(2n ** 60n)],
      "$[0]: an integer that is too large",
    ],
  ])("%s, where a codec can't carry it", (_, extra, value, text) => {
    expect(() => normalize(value, { ...rules, ...extra, direction: "decode" })).toThrow(/^test can't decode \$/);
    expect(() => normalize(value, { ...rules, ...extra })).toThrow(text);
  });

  test("the text stays short, however long keys are and however deep the place is", () => {
    let value: unknown = () => 0;
    for (let level = 0; level < 120; level++) value = { ["k".repeat(10_000)]: value };
    expect(() => normalize(value, rules)).toThrow(/^.{1,600}$/);
  });

  test("shared references that multiply are stopped, and so is a sparse array", () => {
    let bomb: unknown = [];
    for (let level = 0; level < 100; level++) bomb = [bomb, bomb];
    for (const value of [bomb, Array(4e9), new Set(Array.from({ length: 10_001 }, (_, index) => index))]) {
      expect(() => normalize(value, rules)).toThrow(
        expect.objectContaining({
          code: "resource_exhausted",
          message: "test can't encode more than 10000 values in one message",
        }),
      );
    }
  });

  test("fewer values than the document held means that a key stood twice", () => {
    expect(() => normalize({ a: 1 }, rules, 3)).toThrow("test can't encode $: a map has the same key twice");
    expect(normalize({ a: [1] }, rules, 3)).toEqual({ a: [1] });
  });
});
