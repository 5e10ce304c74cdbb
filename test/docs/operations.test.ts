/** docs/operations.md: what it shows is run, and what it says of the log is what the code says. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { followPage } from "./follow-page.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(checkout, "docs/operations.md"), "utf8");

test("the first look shows what really happens", { timeout: 60_000 }, async () => {
  expect(await followPage(page)).toBeGreaterThan(3);
});

/** Each file of the source, its templates with an ellipsis for what is filled in. */
function sources(): string[] {
  const folder = join(checkout, "src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return files.map((file) => readFileSync(join(folder, file), "utf8").replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "…"));
}

test("each line of the log that is explained is one that the code writes", () => {
  const [, table = ""] = page.split("| in the log |");
  const lines = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, line = ""]) => line);
  expect(lines.length).toBeGreaterThan(15);
  const texts = sources();
  const unknown = lines.filter((line) => {
    const parts = line.split("…").filter((part) => part.trim() !== "");
    return !texts.some((text) => parts.every((part) => text.includes(part)));
  });
  expect(unknown).toEqual([]);
});
