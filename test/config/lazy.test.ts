import { createRequire } from "node:module";
import { expect, test } from "vitest";
import "../../src/config/defaults.ts";
import "../../src/config/define.ts";
import "../../src/config/print.ts";
import "../../src/config/references.ts";
import "../../src/config/schema.ts";
import { loadConfig, resolveConfig } from "../../src/config/load.ts";
import { folderWith } from "./folder.ts";

const loadedPackages = () => {
  const { cache } = createRequire(import.meta.url);
  const packages = ["zod", "cosmiconfig", "jsonc-parser", "esbuild"];
  return packages.filter((name) => Object.keys(cache).some((file) => file.includes(`/node_modules/${name}/`)));
};

test("each package is loaded only when it is used", async () => {
  expect(loadedPackages()).toEqual([]);
  resolveConfig({});
  expect(loadedPackages()).toEqual(["zod"]);
  await loadConfig({ cwd: folderWith({}), env: {} });
  expect(loadedPackages()).toEqual(["zod", "cosmiconfig", "jsonc-parser"]);
});
