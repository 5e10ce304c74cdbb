import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { followPage } from "./follow-page.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const read = (page: string) => readFile(join(checkout, page), "utf8");

test("the README's tour shows what really happens", { timeout: 60_000 }, async () => {
  expect(await followPage(await read("README.md"))).toBeGreaterThan(10);
});

test("docs/library.md shows what really happens", { timeout: 60_000 }, async () => {
  expect(await followPage(await read("docs/library.md"))).toBeGreaterThan(3);
});

test("what the pages link to is there", async () => {
  const folders = [".", "docs", "docs/decisions", "examples", "test/vectors"];
  const lists = await Promise.all(
    folders.map(async (folder) => (await readdir(join(checkout, folder))).map((name) => join(folder, name))),
  );
  const pages = lists.flat().filter((name) => name.endsWith(".md"));
  expect(pages).toContain("README.md");
  const missing: string[] = [];
  for (const page of pages) {
    const links = [...(await read(page)).matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)/g)].map(([, path = ""]) => path);
    for (const link of links) {
      await access(join(checkout, dirname(page), link)).catch(() => missing.push(`${page}: ${link}`));
    }
  }
  expect(missing).toEqual([]);
});
