import { expect, test } from "vitest";
import { firstLine, nearestName, shorten, suggestion } from "../src/wording.ts";

test.each([
  ["bnd", "bind"],
  ["BIND", "bind"],
  ["ibnd", "bind"],
  ["endpoint", "endpoints"],
  ["shutdwon", "shutdown"],
])("%s is near %s", (wrong, name) => {
  expect(nearestName(wrong, ["bind", "endpoints", "shutdown"])).toBe(name);
});

test("what is far from all is near none", () => {
  expect(nearestName("colour", ["bind", "endpoints"])).toBeUndefined();
  expect(nearestName("", ["bind"])).toBeUndefined();
});

test("a suggestion names the nearest, or what there is", () => {
  expect(suggestion("bnd", ["bind", "queue"])).toBe('; did you mean "bind"?');
  expect(suggestion("colour", ["bind", "queue", "codec"])).toBe("; there are bind, queue and codec");
  expect(suggestion("colour", ["bind"])).toBe("; there is only bind");
  expect(suggestion("colour", [])).toBe("");
  expect(
    suggestion(
      "zzzzzz",
      Array.from({ length: 25 }, (_, index) => `name-${index}`),
    ),
  ).toMatch(/ \(and 5 more\)$/);
});

test("a text is cut to fit, and shows that it was", () => {
  expect(shorten("abcd", 4)).toBe("abcd");
  expect(shorten("abcde", 4)).toBe("abc…");
  expect(firstLine("one\ntwo")).toBe("one");
});
