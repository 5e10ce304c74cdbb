import { describe, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";

const json = createCodec("json");
const decode = (text: string) => json.decode(Buffer.from(text));
const encode = (value: unknown) => Buffer.from(json.encode(value)).toString();

test("bytes, dates and large integers are written as text", () => {
  const value = { bytes: new Uint8Array([0, 255]), when: new Date(1), big: 2n ** 64n, small: 5n };
  const text = '{"bytes":"AP8=","when":"1970-01-01T00:00:00.001Z","big":"18446744073709551616","small":5}';
  expect(encode(value)).toBe(text);
});

test("reading turns no text back into bytes, dates or integers", () => {
  const text = '{"bytes":"AP8=","when":"1970-01-01T00:00:00.001Z","big":"18446744073709551616"}';
  expect(decode(text)).toEqual({ bytes: "AP8=", when: "1970-01-01T00:00:00.001Z", big: "18446744073709551616" });
});

test("numbers without a form in JSON are refused both ways", () => {
  expect(() => encode({ a: [Number.NaN] })).toThrow(
    "json can't encode $.a[0]: NaN is not a finite number; use null or text",
  );
  expect(() => decode("[1e999]")).toThrow("json can't decode $[0]: Infinity is not a finite number");
});

test("an object with a toJSON or a constructor of its own is written as it is", () => {
  expect(encode({ constructor: "x", toJSON: 1, hasOwnProperty: null })).toBe(
    '{"constructor":"x","toJSON":1,"hasOwnProperty":null}',
  );
});

test("half a surrogate pair stays one, escaped", () => {
  expect(decode(encode("\ud800"))).toBe("\ud800");
});

describe("what can't be read is told in one line, with the position", () => {
  test.each([
    ["", "json can't decode this: it is empty"],
    [" \n", "json can't decode this: it is empty"],
    ['{"a":', "json can't decode this: it ends too early, at position 5"],
    ["hello", "json can't decode this: it is not JSON from position 0 on"],
    ['{"a":1,}', "json can't decode this: it is not JSON from position 7 on"],
    ['{"secret":hunter2}', "json can't decode this: it is not JSON from position 10 on"],
    [`{"${"a".repeat(80)}":tru}`, "json can't decode this: it is not JSON from position 84 on"],
    ["{} {}", "json can't decode this: it is not JSON from position 3 on"],
  ])("%j", (text, message) => {
    expect(() => decode(text)).toThrow(expect.objectContaining({ code: "invalid_argument", message }));
  });

  test("bytes that are no UTF-8", () => {
    expect(() => json.decode(new Uint8Array([0x22, 0xff, 0x22]))).toThrow("json can't decode this: it is not UTF-8");
  });
});

test("depth is limited in large documents as in small ones, and brackets in text are no depth", () => {
  const text = JSON.stringify(["[".repeat(20_000), '"\\[[{{', "x".repeat(20_000)]);
  expect(decode(text)).toEqual(JSON.parse(text));
  const padded = `[${"[".repeat(127)}"${"x".repeat(20_000)}"${"]".repeat(127)}]`;
  expect(decode(padded)).toEqual(JSON.parse(padded));
  expect(() => decode(`[${padded}]`)).toThrow("nested deeper than 128");
});
