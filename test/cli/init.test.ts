import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import jsonc from "jsonc-parser";
import { expect, test } from "vitest";
import { folderWith } from "../config/folder.ts";
import { run, serve } from "../processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SCHEMA = join(ROOT, "config/zmqecho.schema.json");

/** As if `npm install zmqecho` had been run there. */
async function install(folder: string): Promise<void> {
  await mkdir(join(folder, "node_modules"), { recursive: true });
  await symlink(ROOT, join(folder, "node_modules/zmqecho"));
}

async function schemaOf(folder: string): Promise<string> {
  const config = jsonc.parse(await readFile(join(folder, "zmqecho.config.json"), "utf8"));
  expect(config.endpoints.hello.concurrency).toBe(16);
  return resolve(folder, config.$schema);
}

test("a new folder has all it needs, and says what to do next", async () => {
  const cwd = folderWith({});
  const { code, stdout, stderr } = await run(["init", "my demo"], { cwd });
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n")).toEqual([
    "made my demo/zmqecho.config.json",
    "made my demo/plugins/hello.ts",
    "made my demo/test/hello.test.mjs",
    "made my demo/zmqecho.schema.json",
    "made my demo/package.json",
    "made my demo/.gitignore",
    "next:",
    "  cd 'my demo' && npm install && npx zmqecho serve",
    "  cd 'my demo' && npx zmqecho send '\"World\"'   # in another terminal",
    "  cd 'my demo' && node --test   # the handler's test",
    "",
  ]);
  const folder = join(cwd, "my demo");
  expect(await readFile(await schemaOf(folder), "utf8")).toBe(await readFile(SCHEMA, "utf8"));
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  expect(JSON.parse(await readFile(join(folder, "package.json"), "utf8"))).toMatchObject({
    scripts: { start: "zmqecho serve", test: "node --test" },
    dependencies: { zmqecho: `^${version}` },
  });
});

test("where zmqecho is installed, its schema is named and package.json is left alone", async () => {
  const cwd = folderWith({ "package.json": '{ "name": "mine" }', ".gitignore": "mine\n" });
  await install(cwd);
  const { code, stdout } = await run(["init"], { cwd });
  expect(code).toBe(0);
  expect(stdout).toContain("next:\n  npx zmqecho serve\n  npx zmqecho send");
  expect((await readdir(cwd)).sort()).toEqual(
    [".gitignore", "node_modules", "package.json", "plugins", "test", "zmqecho.config.json"].sort(),
  );
  expect(await schemaOf(cwd)).toBe(join(cwd, "node_modules/zmqecho/config/zmqecho.schema.json"));
  expect(existsSync(await schemaOf(cwd))).toBe(true);
  expect(await readFile(join(cwd, "package.json"), "utf8")).toBe('{ "name": "mine" }');
  expect(await readFile(join(cwd, ".gitignore"), "utf8")).toBe("mine\n");
});

test("a package.json without zmqecho makes for another npm install", async () => {
  const { stdout } = await run(["init"], { cwd: folderWith({}) });
  expect(stdout).toContain("next:\n  npm install zmqecho && npx zmqecho serve\n");
});

test("what it made passes its check and its own test, and serves", async () => {
  const cwd = folderWith({});
  await install(cwd);
  expect((await run(["init"], { cwd })).code).toBe(0);
  const checked = await run(["check"], { cwd });
  expect([checked.code, checked.stderr]).toEqual([0, ""]);

  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ["--test"], { cwd, env });
  expect(stdout).toMatch(/pass 2\n.*fail 0\n/);

  // Its port may be taken on the machine that runs this.
  const config = join(cwd, "zmqecho.config.json");
  await writeFile(config, (await readFile(config, "utf8")).replace("25933", "*"));
  const { addresses, stop } = await serve([], { cwd });
  const sent = await run(["send", addresses[0] ?? "", '"World"', "--codec", "json"], { cwd });
  expect([sent.code, sent.stdout]).toEqual([0, '-> "World"\n<- {"greeting":"Hello World!"}\n']);
  expect((await stop()).code).toBe(0);
});

test.each(["zmqecho.config.json", "config/zmqecho.config.json", "plugins/hello.ts", "test/hello.test.mjs"])(
  "nothing is made where %s is there already",
  async (name) => {
    const cwd = folderWith({ [name]: "{}" });
    const { code, stdout, stderr } = await run(["init"], { cwd });
    expect([code, stdout]).toEqual([70, ""]);
    expect(stderr).toBe(`zmqecho: already_exists: ${name} is there already; nothing is overwritten\n`);
    expect(await readFile(join(cwd, name), "utf8")).toBe("{}");
    expect((await readdir(cwd)).sort()).toEqual(["package.json", name.split("/")[0]].sort());
    expect(await readdir(dirname(join(cwd, name)))).toContain(name.split("/").at(-1));
  },
);

test("a FOLDER that is a file, or lies in one, is a matter of usage", async () => {
  const cwd = folderWith({ file: "" });
  for (const folder of ["file", "file/below"]) {
    const { code, stdout, stderr } = await run(["init", folder], { cwd });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^zmqecho: .*file.*\n$/);
  }
});
