import { expect, test } from "vitest";
import { printable, printableLine } from "../src/printable.ts";

const ALL = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join("");

test("text of several lines keeps tab and newline, and no other control character", () => {
  expect(printable("a\tb\nc\x1b[2J\x7f\x9b\r")).toBe("a\tb\nc\\x1b[2J\\x7f\\x9b\\x0d");
  expect(printable(ALL).match(/\p{Cc}/gu)).toEqual(["\t", "\n"]);
});

test("text of one line keeps no control character", () => {
  expect(printableLine("a\tb\nc")).toBe("a\\x09b\\x0ac");
  expect(printableLine(ALL)).not.toMatch(/\p{Cc}/u);
});

test("any other text stays as it is", () => {
  for (const text of ["grüße, 世界 🙂", "\\x1b", ""])
    expect([printable(text), printableLine(text)]).toEqual([text, text]);
});
