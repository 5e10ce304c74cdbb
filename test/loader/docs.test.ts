import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ZmqEchoError } from "../../src/errors.ts";
import { defineCodec, defineHandler } from "../../src/handler.ts";
import { findPlugins } from "../../src/loader/find.ts";
import { loadPlugins } from "../../src/loader/load.ts";
import { mock } from "../../src/mock/mock.ts";
import { createFolder } from "./folder.ts";

test("every plugin shown in docs/plugins.md loads", async () => {
  const text = await readFile(new URL("../../docs/plugins.md", import.meta.url), "utf8");
  const shown = [...text.matchAll(/```ts\n\/\/ (plugins\/\S+)\n(.*?)```/gs)].map(([, file = "", code = ""]) => [
    file,
    code,
  ]);
  const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));
  const folder = await createFolder({ ...Object.fromEntries(shown), node_modules: { link: modules } });
  const { plugins } = await findPlugins(["./plugins"], { folder });
  const loaded = await loadPlugins(plugins.values(), {
    api: async () => ({ ZmqEchoError, defineCodec, defineHandler, mock }),
  });
  expect(loaded.problems).toEqual([]);
  expect(shown).toHaveLength(5);
  expect([...loaded.plugins.keys()].sort()).toEqual(["csv", "echo", "greet", "gross", "mock", "order", "vat"]);
});
