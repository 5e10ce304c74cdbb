import { describe, expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";

const raw = createCodec("raw", { limits: { maxMessageBytes: 10 } });
const bytes = (text: string) => Buffer.from(text);

describe("echo through raw is byte-exact", () => {
  test.each<[string, Uint8Array[]]>([
    ["one frame", [bytes("a\0\xff")]],
    ["an empty frame", [bytes("")]],
    ["several frames, empty ones among them", [bytes(""), bytes("a"), bytes(""), bytes("")]],
  ])("%s", (_, body) => {
    const echoed = raw.encodeBody(raw.decodeBody(body));
    expect(echoed.length).toBe(body.length);
    echoed.forEach((frame, index) => {
      expect(frame).toBe(body[index]);
    });
  });
});

test("one frame is bytes, several are an array of bytes", () => {
  const [first, second] = [bytes("a"), bytes("b")];
  expect(raw.decodeBody([first])).toBe(first);
  expect(raw.decode(first)).toBe(first);
  expect(raw.decodeBody([first, second])).toEqual([first, second]);
});

test("bytes, text, and arrays of these are encoded; nothing is one empty frame", () => {
  expect(raw.encodeBody("ä")).toEqual([Buffer.from([0xc3, 0xa4])]);
  expect(raw.encodeBody(["a", new Uint8Array([1]), null])).toEqual([
    bytes("a"),
    new Uint8Array([1]),
    new Uint8Array(0),
  ]);
  for (const nothing of [null, undefined, [], [null], [[]]])
    expect(raw.encodeBody(nothing)).toEqual([new Uint8Array(0)]);
  expect(raw.encode("a")).toEqual(bytes("a"));
});

test.each<[string, unknown, string]>([
  ["a number", 1, "raw can't encode $: a value of type number; give bytes, text or an array of them"],
  ["a boolean", false, "raw can't encode $: a value of type boolean; give bytes, text or an array of them"],
  ["an object", ["a", {}], "raw can't encode $[1]: a value of type object; give bytes, text or an array of them"],
  [
    "an array in an array",
    ["a", ["b"]],
    "raw can't encode $[1]: an array in an array; give bytes, text or an array of them",
  ],
  [
    "another typed array",
    new Uint16Array(1),
    "raw can't encode $: a value of type object; give bytes, text or an array of them",
  ],
  ["half a surrogate pair", "\ud800", "raw can't encode $: a string with half a surrogate pair"],
])("%s is refused", (_, value, message) => {
  expect(() => raw.encodeBody(value)).toThrow(expect.objectContaining({ code: "invalid_argument", message }));
});

test("several frames are refused where one is asked for", () => {
  expect(() => raw.encode(["a", "b"])).toThrow("raw can't encode 2 frames as one");
});

test("the limit is on all frames together, both ways", () => {
  const exhausted = expect.objectContaining({ code: "resource_exhausted" });
  expect(raw.encodeBody(["12345", "67890"])).toHaveLength(2);
  expect(() => raw.encodeBody(["12345", "678901"])).toThrow(exhausted);
  expect(() => raw.decodeBody([bytes("12345"), bytes("678901")])).toThrow(exhausted);
});
