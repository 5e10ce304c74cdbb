import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const page = await readFile(new URL("../../docs/performance.md", import.meta.url), "utf8");

test("docs/performance.md has one place for the figures that bench/compare.mjs writes", () => {
  expect(page.match(/^<!-- (end of )?figures -->$/gm)).toEqual(["<!-- figures -->", "<!-- end of figures -->"]);
});
