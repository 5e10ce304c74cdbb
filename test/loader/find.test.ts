import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { findPlugins } from "../../src/loader/find.ts";
import { createFolder } from "./folder.ts";

const SHIPPED = fileURLToPath(new URL("../../plugins", import.meta.url));

/** Names to files, of what is in `folder` but not shipped. */
async function find(folder: string, entries: readonly string[] = ["./plugins"]) {
  const { plugins, problems } = await findPlugins(entries, { folder });
  const files = [...plugins.values()].filter((plugin) => plugin.folder !== SHIPPED);
  return {
    files: Object.fromEntries(files.map((plugin) => [plugin.name, plugin.file.slice(folder.length + 1)])),
    problems,
  };
}

test("files at the top and subfolders with an index are plugins", async () => {
  const folder = await createFolder({
    "plugins/vat.ts": "",
    "plugins/orders.create.ts": "",
    "plugins/a.mts": "",
    "plugins/b.js": "",
    "plugins/c.mjs": "",
    "plugins/d.cjs": "",
    "plugins/e.cts": "",
    "plugins/rates/index.ts": "",
    "plugins/rates/table.ts": "",
    "plugins/library/table.ts": "",
  });
  expect(await find(folder)).toEqual({
    files: {
      vat: "plugins/vat.ts",
      "orders.create": "plugins/orders.create.ts",
      a: "plugins/a.mts",
      b: "plugins/b.js",
      c: "plugins/c.mjs",
      d: "plugins/d.cjs",
      e: "plugins/e.cts",
      rates: "plugins/rates/index.ts",
    },
    problems: [],
  });
});

test("a plugin knows its folder, and its paths are absolute", async () => {
  const folder = await createFolder({ "plugins/vat.ts": "" });
  const { plugins } = await findPlugins(["./plugins"], { folder });
  expect(plugins.get("vat")).toEqual({
    name: "vat",
    file: join(folder, "plugins/vat.ts"),
    folder: join(folder, "plugins"),
  });
});

test("underscores, dotfiles, declarations, tests, node_modules and other kinds of files are passed over", async () => {
  const folder = await createFolder({
    "plugins/_shared.ts": "",
    "plugins/.hidden.ts": "",
    "plugins/vat.d.ts": "",
    "plugins/vat.d.mts": "",
    "plugins/vat.test.ts": "",
    "plugins/vat.spec.js": "",
    "plugins/README.md": "",
    "plugins/rates.json": "",
    "plugins/order.proto": "",
    "plugins/_library/index.ts": "",
    "plugins/.git/index.js": "",
    "plugins/node_modules/index.js": "",
    "plugins/types/index.d.ts": "",
    "plugins/tested/index.test.ts": "",
  });
  expect(await find(folder)).toEqual({ files: {}, problems: [] });
});

test("a missing folder holds nothing", async () => {
  expect(await find(await createFolder(), ["./plugins", "/nowhere/at/all"])).toEqual({ files: {}, problems: [] });
});

test("an entry that is a file is a problem that names its folder", async () => {
  const folder = await createFolder({ "vat.ts": "", "plugins/rates.ts": "" });
  const { files, problems } = await find(folder, ["./vat.ts", "./plugins"]);
  expect(files).toEqual({ rates: "plugins/rates.ts" });
  expect(problems).toEqual([
    {
      name: 'entry "./vat.ts"',
      entry: "./vat.ts",
      message: `${folder}/vat.ts is a file; name the folder it is in, ${folder}`,
    },
  ]);
});

test.each([
  ["two kinds", ["vat.js", "vat.ts"]],
  ["a file and a folder", ["vat/index.ts", "vat.ts"]],
  ["two index files", ["vat/index.js", "vat/index.ts"]],
])("two files for one name clash, and neither is found: %s", async (_, [first = "", second = ""]) => {
  const folder = await createFolder({ [`plugins/${first}`]: "", [`plugins/${second}`]: "", "plugins/rates.ts": "" });
  const { files, problems } = await find(folder);
  expect(files).toEqual({ rates: "plugins/rates.ts" });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ name: "vat", file: join(folder, "plugins", first) });
  expect(problems[0]?.message).toContain(join(folder, "plugins", first));
  expect(problems[0]?.message).toContain(join(folder, "plugins", second));
});

test("one name in two entries clashes", async () => {
  const folder = await createFolder({ "a/vat.ts": "", "b/vat.ts": "" });
  const { files, problems } = await find(folder, ["./a", "./b"]);
  expect(files).toEqual({});
  expect(problems).toMatchObject([{ name: "vat", file: join(folder, "a/vat.ts") }]);
});

test("a folder named twice, or linked, does not clash with itself", async () => {
  const folder = await createFolder({ "plugins/vat.ts": "", again: { link: "plugins" } });
  expect(await find(folder, ["./plugins", "./plugins/", "./again"])).toEqual({
    files: { vat: "plugins/vat.ts" },
    problems: [],
  });
});

test("echo is shipped", async () => {
  const { plugins, problems } = await findPlugins([], { folder: await createFolder() });
  expect(plugins.get("echo")).toEqual({ name: "echo", file: join(SHIPPED, "echo.ts"), folder: SHIPPED });
  expect(problems).toEqual([]);
});

test("your plugin takes a shipped one's name without a word", async () => {
  const folder = await createFolder({ "plugins/echo.js": "" });
  expect(await find(folder)).toEqual({ files: { echo: "plugins/echo.js" }, problems: [] });
});

test("a clash of your own is not covered up by the shipped plugin", async () => {
  const folder = await createFolder({ "plugins/echo.js": "", "plugins/echo.ts": "" });
  const { plugins, problems } = await findPlugins(["./plugins"], { folder });
  expect(plugins.has("echo")).toBe(false);
  expect(problems).toMatchObject([{ name: "echo" }]);
});

test("the shipped folder may be configured too, and still gives way", async () => {
  const folder = await createFolder({ "plugins/echo.js": "" });
  const { plugins, problems } = await findPlugins([SHIPPED, "./plugins"], { folder });
  expect(plugins.get("echo")?.file).toBe(join(folder, "plugins/echo.js"));
  expect(problems).toEqual([]);
});

test("files that Kubernetes mounts, links into a folder called ..data, are found", async () => {
  const folder = await createFolder({
    "plugins/..2024_01/vat.ts": "",
    "plugins/..data": { link: "..2024_01" },
    "plugins/vat.ts": { link: "..data/vat.ts" },
  });
  expect(await find(folder)).toEqual({ files: { vat: "plugins/vat.ts" }, problems: [] });
});

test("the plugins folder itself may be a link", async () => {
  const folder = await createFolder({ "real/vat.ts": "", plugins: { link: "real" } });
  expect(await find(folder)).toEqual({ files: { vat: "plugins/vat.ts" }, problems: [] });
});

test.each([
  ["a file", "plugins/vat.ts", "../outside/vat.ts"],
  ["a folder with an index", "plugins/vat", "../outside"],
  ["an index file", "plugins/vat/index.ts", "../../outside/vat.ts"],
])("a link out of the plugins folder is a problem: %s", async (_, path, link) => {
  const folder = await createFolder({ "outside/vat.ts": "", "outside/index.ts": "", [path]: { link } });
  const { files, problems } = await find(folder);
  expect(files).toEqual({});
  expect(problems).toMatchObject([
    { name: "vat", message: expect.stringContaining("a link out of the plugins folder") },
  ]);
  expect(problems[0]?.message).toContain(join(folder, "outside"));
});

test("a link to nothing is a problem", async () => {
  const folder = await createFolder({ "plugins/vat.ts": { link: "gone.ts" }, "plugins/notes": { link: "gone" } });
  expect(await find(folder)).toEqual({
    files: {},
    problems: [
      { name: "vat", file: join(folder, "plugins/vat.ts"), message: "a link to nothing; remove it or mend it" },
    ],
  });
});

test("a name that can't be called is a problem", async () => {
  const folder = await createFolder({ "plugins/vat €.ts": "", "plugins/-x.ts": "", "plugins/my lib/table.ts": "" });
  const { files, problems } = await find(folder);
  expect(files).toEqual({});
  expect(problems.map((problem) => problem.name)).toEqual(["-x", "vat €"]);
});

test("an npm package says where its plugins are, and is looked for upwards", async () => {
  const folder = await createFolder({
    "node_modules/@acme/handlers/package.json": '{ "zmqecho": { "plugins": "./dist" }, "exports": {} }',
    "node_modules/@acme/handlers/dist/vat.js": "",
    "app/config/x": "",
  });
  const { plugins, problems } = await findPlugins(["@acme/handlers"], { folder: join(folder, "app/config") });
  expect(plugins.get("vat")?.file).toBe(join(folder, "node_modules/@acme/handlers/dist/vat.js"));
  expect(problems).toEqual([]);
});

test.each([
  ["acme", {}, /no npm package of that name in .*; run npm install acme, or for a folder write \.\/acme$/],
  ["acme", { "node_modules/acme/package.json": "{}" }, /acme\/package\.json holds no "zmqecho": \{ "plugins"/],
  ["acme", { "node_modules/acme/package.json": "{" }, /acme\/package\.json is no JSON: /],
  ["acme", { "node_modules/acme/package.json": '{"zmqecho":{"plugins":"../x"}}' }, /leads out of the package/],
  ["acme", { "node_modules/acme/package.json": '{"zmqecho":{"plugins":"./x"}}' }, /names \.\/x, which is not there/],
  ["C:\\plugins", {}, /^neither a folder, which starts with "\." or "\/", nor the name of an npm package$/],
])("an npm package without plugins is a problem: %s %j", async (entry, files, message) => {
  const { problems } = await find(await createFolder(files), [entry]);
  expect(problems).toEqual([
    { name: `entry ${JSON.stringify(entry)}`, entry, message: expect.stringMatching(message) },
  ]);
});
