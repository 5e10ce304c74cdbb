import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { folderWith, problemsIn, problemsOf } from "./folder.ts";

const env = {};
const level = (name: string) => `{ "log": { "level": "${name}" } }`;
const levelIn = async (cwd: string) => (await loadConfig({ cwd, env })).config.log.level;

describe("the search", () => {
  test("prefers zmqecho.config.json over config/ over the other places", async () => {
    const other = { ".zmqechorc.json": level("error") };
    const inConfig = { ...other, "config/zmqecho.config.json": level("warn") };
    expect(await levelIn(folderWith(other))).toBe("error");
    expect(await levelIn(folderWith(inConfig))).toBe("warn");
    expect(await levelIn(folderWith({ ...inConfig, "zmqecho.config.json": level("debug") }))).toBe("debug");
  });

  test("climbs to the nearest folder that has one, and no further than the project's root", async () => {
    const cwd = folderWith({
      "zmqecho.config.json": level("warn"),
      "a/b/file": "",
      "c/zmqecho.config.json": level("debug"),
      "d/package.json": "{}",
    });
    expect(await levelIn(join(cwd, "a/b"))).toBe("warn");
    expect(await levelIn(join(cwd, "c"))).toBe("debug");
    expect(await levelIn(join(cwd, "d"))).toBe("info");
  });

  test("does not pass over one that leads nowhere", async () => {
    const cwd = folderWith({});
    symlinkSync("gone", join(cwd, "zmqecho.config.json"));
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual([
      "zmqecho.config.json: is there, but can't be read: ENOENT",
    ]);
  });

  test("reads a file again that has changed", async () => {
    const cwd = folderWith({ "zmqecho.config.json": level("warn") });
    await levelIn(cwd);
    writeFileSync(join(cwd, "zmqecho.config.json"), level("error"));
    expect(await levelIn(cwd)).toBe("error");
  });
});

describe("a named file", () => {
  test("is the one that is read, relative to the working directory; the option comes before the variable", async () => {
    const cwd = folderWith({
      "zmqecho.config.json": level("warn"),
      "sub/a.json": level("debug"),
      "b.jsonc": level("error"),
    });
    const byVariable = await loadConfig({ cwd, env: { ZMQECHO_CONFIG: "sub/a.json" } });
    expect([byVariable.config.log.level, byVariable.file, byVariable.folder]).toEqual([
      "debug",
      join(cwd, "sub/a.json"),
      join(cwd, "sub"),
    ]);
    const byOption = await loadConfig({ cwd, env: { ZMQECHO_CONFIG: "sub/a.json" }, file: "b.jsonc" });
    expect(byOption.config.log.level).toBe("error");
  });

  test("that can't be read says why", async () => {
    const cwd = folderWith({ "plain.conf": "a", "empty.json": " \n" });
    mkdirSync(join(cwd, "folder"));
    const named = (file: string) => problemsOf(loadConfig({ cwd, env, file }), cwd);
    expect(await named("gone.json")).toEqual(["gone.json: there is no such file (named by --config)"]);
    expect(await named("folder")).toEqual(["folder: this is a folder; name the file in it (named by --config)"]);
    expect(await named("plain.conf/x")).toEqual(["plain.conf/x: can't be read: ENOTDIR (named by --config)"]);
    expect(await named("package.json")).toEqual(['package.json: there is no "zmqecho" key in it (named by --config)']);
    expect(await named("plain.conf")).toEqual([
      expect.stringMatching(/^plain\.conf: no known kind of file; use \.json/),
    ]);
    expect(await named("empty.json")).toEqual([expect.stringMatching(/^empty\.json: the file is empty/)]);
    const byVariable = loadConfig({ cwd, env: { ZMQECHO_CONFIG: "gone.json" } });
    expect(await problemsOf(byVariable, cwd)).toEqual(["gone.json: there is no such file (named by ZMQECHO_CONFIG)"]);
  });
});

describe("JSON", () => {
  test("may have comments, trailing commas and a byte order mark", async () => {
    const cwd = folderWith({ "zmqecho.config.json": '\uFEFF// a\n{ /* b */ "log": { "level": "warn", }, }\n' });
    const loaded = await loadConfig({ cwd, env });
    expect(loaded.config.log.level).toBe("warn");
    expect(loaded.origin(["log", "level"])).toMatchObject({ line: 2, column: 29 });
  });

  test.each([
    ["", "the file is empty; a configuration that changes nothing is {}"],
    ["// nothing\n", "the file is empty; a configuration that changes nothing is {}"],
  ])("that is empty is an error: %j", async (content, message) => {
    expect(await problemsIn(content)).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ['{ "watch": tru }', "1:12: this is no JSON value; text goes in double quotes"],
    ['{\n "log": {}\n "watch": true }', '3:2: a "," is expected before this'],
    ['{ "log": {}', '1:12: a "}" is missing'],
    ["{} {}", "1:4: the file should end before this"],
    ["{ 'log': {} }", "1:3: this is no JSON value; text goes in double quotes"],
  ])("with a mistake says where: %j", async (content, message) => {
    expect(await problemsIn(content)).toEqual([message]);
  });

  test("that is not UTF-8 is refused, with the line, and so is YAML; a U+FFFD that somebody wrote is a character", async () => {
    const latin1 = Buffer.from('{\n  "endpoints": { "a": { "bind": "ipc://gr\u00fcn" } }\n}', "latin1");
    const folder = folderWith({
      "a.json": latin1,
      "a.yaml": latin1,
      "b.json": '{ "plugins": ["\ufffd"] }',
    });
    for (const name of ["a.json", "a.yaml"]) {
      const problems = await problemsOf(loadConfig({ cwd: folder, env, file: name }), folder);
      expect(problems).toEqual([`${name}:2:1: this line is not UTF-8; save the file as that`]);
    }
    const { config } = await loadConfig({ cwd: folder, env, file: "b.json" });
    expect(config.plugins).toEqual(["\ufffd"]);
  });

  test("with a key twice names both places", async () => {
    expect(await problemsIn('{ "watch": true,\n  "watch": false }')).toEqual([
      '2:3: the key "watch" is here twice, first at 1:3; keep one',
    ]);
  });

  test("with a key named __proto__ is refused, at any depth", async () => {
    expect(
      await problemsIn('{ "__proto__": {}, "handlers": { "a": { "options": { "__proto__": { "x": 1 } } } } }'),
    ).toEqual(["1:3: a key may not be named __proto__", "1:54: a key may not be named __proto__"]);
  });
});

describe("a configuration that is no object is an error, in any format", () => {
  test.each([
    ["[]", "1:1: expected an object, got an empty list"],
    ["// a list\n[1]", "2:1: expected an object, got a list"],
    ['"x"', '1:1: expected an object, got "x"'],
    ["null", "1:1: expected an object, got null"],
  ])("JSON: %j", async (content, message) => {
    expect(await problemsIn(content)).toEqual([message]);
  });

  test.each([
    [".zmqechorc.yaml", "- a\n", "expected an object, got a list"],
    [".zmqechorc.yaml", "just text\n", 'expected an object, got "just text"'],
    [".zmqechorc", "~\n", "expected an object, got null"],
    ["zmqecho.config.mjs", "export default () => ({});", "expected an object, got a function"],
    ["zmqecho.config.mjs", "export default new (class Config {})();", "expected an object, got an instance of a class"],
    [
      "zmqecho.config.mjs",
      "export const a = 1;",
      "there is no default export; write export default { … }, with the configuration in it",
    ],
  ])("%s: %j", async (file, content, message) => {
    const cwd = folderWith({ [file]: content });
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual([`${file}: ${message}`]);
  });

  test.each(['"oops"', "null"])("the key of package.json: %s", async (value) => {
    const cwd = folderWith({ "package.json": `{ "zmqecho": ${value} }` });
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual([
      `package.json:1:14: expected an object, got ${value}`,
    ]);
  });
});

describe("other formats", () => {
  test("YAML, with the line of a mistake in it", async () => {
    expect(await levelIn(folderWith({ ".zmqechorc.yaml": "log:\n  level: warn # comment\n" }))).toBe("warn");
    const broken = folderWith({ ".zmqechorc.yaml": "log:\n  level: 'warn\n" });
    expect(await problemsOf(loadConfig({ cwd: broken, env }), broken)).toEqual([
      expect.stringMatching(/^\.zmqechorc\.yaml:\d:\d+: /),
    ]);
  });

  test("YAML that contains itself is an error", async () => {
    const cwd = folderWith({ ".zmqechorc.yaml": "handlers:\n  a:\n    options: &x\n      again: *x\n" });
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual([
      ".zmqechorc.yaml: handlers.a.options.again: a cycle: this value contains itself",
    ]);
  });

  test("a file without an extension is JSON or YAML, as it looks", async () => {
    expect(await levelIn(folderWith({ ".zmqechorc": `// comment\n${level("warn")}` }))).toBe("warn");
    expect(await levelIn(folderWith({ ".zmqechorc": "log: { level: error }" }))).toBe("error");
  });

  test("the key zmqecho of package.json, with its lines; the rest of that file is nobody's business", async () => {
    const cwd = folderWith({ "package.json": `{ "a": 1, "a": 2,\n  "zmqecho": ${level("warn")} }` });
    const loaded = await loadConfig({ cwd, env });
    expect(loaded.config.log.level).toBe("warn");
    expect(loaded.origin(["log", "level"])).toMatchObject({ line: 2, column: 34 });
  });

  test("JavaScript", async () => {
    expect(await levelIn(folderWith({ "zmqecho.config.mjs": `export default ${level("warn")};` }))).toBe("warn");
    expect(await levelIn(folderWith({ "zmqecho.config.cjs": `module.exports = ${level("error")};` }))).toBe("error");
  });

  test("JavaScript that fails with ENOENT is not taken for a file that is not there", async () => {
    const cwd = folderWith({
      "zmqecho.config.mjs": 'import { readFileSync } from "node:fs"; export default readFileSync("/gone");',
    });
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual([
      expect.stringMatching(/^zmqecho\.config\.mjs:1:\d+: ENOENT/),
    ]);
  });

  test("TypeScript, with defineConfig and local imports", async () => {
    const cwd = folderWith({
      "level.ts": 'enum Level { warn = "warn" }\nexport const level: "warn" = Level.warn;',
      "zmqecho.config.ts": `import { defineConfig } from "zmqecho";
        import { level } from "./level.ts";
        export default defineConfig({ log: { level } });`,
    });
    const loaded = await loadConfig({ cwd, env });
    expect(loaded.config.log.level).toBe("warn");
    expect(loaded.origin(["log", "level"])).toEqual({ source: "file", file: join(cwd, "zmqecho.config.ts") });
  });

  test("TypeScript with a mistake says where", async () => {
    const cwd = folderWith({ "zmqecho.config.ts": "export default {\n  log: = };" });
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual(['zmqecho.config.ts:2:8: Unexpected "="']);
  });

  test("TypeScript that throws says where, in the file that does", async () => {
    const cwd = folderWith({
      "port.ts": 'const port: number = 1;\nthrow new Error("no port");\nexport { port };',
      "zmqecho.config.ts": 'import { port } from "./port.ts";\nexport default { bind: port };',
    });
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual(["port.ts:2:7: no port"]);
  });

  test("TypeScript may wait, and know where it is", async () => {
    const cwd = folderWith({
      "zmqecho.config.ts": `const level = await Promise.resolve("warn");
        export default { log: { level }, plugins: [import.meta.dirname + "/here"] };`,
    });
    const { config } = await loadConfig({ cwd, env });
    expect([config.log.level, config.plugins]).toEqual(["warn", [join(cwd, "here")]]);
  });

  test("TypeScript without a default export is an error", async () => {
    const cwd = folderWith({ "zmqecho.config.ts": "export const a = 1;" });
    expect(await problemsOf(loadConfig({ cwd, env }), cwd)).toEqual([
      "zmqecho.config.ts: there is no default export; write export default { … }, with the configuration in it",
    ]);
  });
});
