import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test } from "vitest";
import { ZmqEchoError } from "../../src/errors.ts";
import { defineCodec, defineHandler, type HandlerContext } from "../../src/handler.ts";
import { PluginError } from "../../src/loader/error.ts";
import { findPlugins, type PluginProblem } from "../../src/loader/find.ts";
import { loadPlugin, loadPlugins, type Plugin, type PluginLoadOptions } from "../../src/loader/load.ts";
import { mock } from "../../src/mock/mock.ts";
import { createFolder, writeFiles } from "./folder.ts";

const api = async () => ({ ZmqEchoError, defineHandler, defineCodec, mock });

type Files = Parameters<typeof createFolder>[0];

/** Loads `plugins/NAME` of a folder. */
async function loadFrom(folder: string, name: string, options: Partial<PluginLoadOptions> = {}): Promise<Plugin> {
  const file = join(folder, "plugins", name);
  return loadPlugin({ name: "vat", file, folder: join(folder, "plugins") }, { api, ...options });
}

/** What the handler of plugins/vat.ts, or of another file, answers to 1. */
async function answerOf(files: Files, name = "vat.ts"): Promise<unknown> {
  return answer(await loadFrom(await createFolder(files), name));
}

async function answer(plugin: Plugin): Promise<unknown> {
  if (plugin.handler === undefined) throw new Error("no handler");
  return plugin.handler.handle(1, {} as HandlerContext);
}

async function problemOf(files: Files, options: Partial<PluginLoadOptions> = {}, name = "vat.ts") {
  const folder = await createFolder(files);
  const error = await loadFrom(folder, name, options).catch((thrown: unknown) => thrown);
  if (!(error instanceof PluginError)) throw new Error(`no PluginError: ${String(error)}`);
  const relative = error.problem.file?.replace(`${folder}/`, "");
  return { ...error.problem, file: relative } as PluginProblem;
}

const MODULE = JSON.stringify({ type: "module" });

describe("every kind of file", () => {
  test.each(["vat.ts", "vat.mts", "vat.js", "vat.mjs"])("%s, with an export", async (name) => {
    expect(await answerOf({ [`plugins/${name}`]: "export default (input) => input + 1;" }, name)).toBe(2);
  });

  test.each(["vat.cjs", "vat.cts", "vat.js", "vat.ts"])("%s, with module.exports", async (name) => {
    expect(await answerOf({ [`plugins/${name}`]: "module.exports = (input) => input + 1;" }, name)).toBe(2);
    expect(await answerOf({ [`plugins/${name}`]: "exports.default = (input) => input + 1;" }, name)).toBe(2);
    expect(await answerOf({ [`plugins/${name}`]: "module.exports = { handle: (x) => x + 1 };" }, name)).toBe(2);
  });

  test("local imports of all of them, and JSON", async () => {
    const files = {
      "plugins/vat.ts": `
        import { a } from "./lib/a.js"; // a.ts, as TypeScript writes it
        import { b } from "./lib/b.mts";
        import { c } from "./lib/c.mjs";
        import d from "./lib/d.cjs";
        import e from "./lib/e.json" with { type: "json" };
        import f from "./lib/e.json";
        import { g } from "./lib/g";
        export default () => [a, b, c, d, e.e, f.e, g];`,
      "plugins/lib/a.ts": "export const a: string = 'a';",
      "plugins/lib/b.mts": "export const b: string = 'b';",
      "plugins/lib/c.mjs": "export const c = 'c';",
      "plugins/lib/d.cjs": "module.exports = require('./d.json').d;",
      "plugins/lib/d.json": '{ "d": "d" }',
      "plugins/lib/e.json": '{ "e": "e" }',
      "plugins/lib/g/index.ts": "export const g = 'g';",
    };
    expect(await answerOf(files)).toEqual(["a", "b", "c", "d", "e", "e", "g"]);
  });

  test("enums and decorators", async () => {
    const text = `
      enum Rate { Low = 7, High = 19 }
      const doubled = (method: () => number) => () => method() * 2;
      class Vat { @doubled rate() { return Rate.High } }
      export default () => new Vat().rate();`;
    expect(await answerOf({ "plugins/vat.ts": text })).toBe(38);
  });

  test("the shipped echo gives back the very value it got", async () => {
    const found = (await findPlugins([], { folder: await createFolder() })).plugins.get("echo");
    if (found === undefined) throw new Error("no echo");
    const { handler } = await loadPlugin(found, { api });
    const input = [new Uint8Array([0, 255])];
    expect(handler?.handle(input, {} as HandlerContext)).toBe(input);
  });
});

describe("top-level await", () => {
  test("of its own, and of a local import", async () => {
    const files = {
      "plugins/vat.ts": "import { rate } from './rate.ts'; const one = await 1; export default () => rate + one;",
      "plugins/rate.ts": "export const rate = await Promise.resolve(19);",
    };
    expect(await answerOf(files)).toBe(20);
  });

  test("of a package", async () => {
    const files = {
      "plugins/vat.ts": "import { rate } from 'rates'; export default () => rate;",
      "node_modules/rates/package.json": JSON.stringify({ type: "module", exports: "./index.js" }),
      "node_modules/rates/index.js": "export const rate = await Promise.resolve(19);",
    };
    expect(await answerOf(files)).toBe(19);
  });

  test("that never settles is a problem", async () => {
    const files = { "plugins/vat.ts": "await new Promise(() => {}); export default () => 1;" };
    expect((await problemOf(files, { timeoutMs: 20 })).message).toBe(
      "top-level await took longer than 20 ms; do slow work in setup",
    );
  });
});

describe("packages", () => {
  /** In a package of type module and in one without, default imports of CommonJS differ; those of ES modules don't. */
  test.each([MODULE, "{}"])(
    "an ES module's default and named exports, beside a package.json of %s",
    async (manifest) => {
      const files = {
        "package.json": manifest,
        "plugins/vat.ts": `
        import rate, { name } from "rates"; import * as all from "rates";
        export default async () => [rate, name, Object.keys(all).sort(), (await import("rates")).default];`,
        "node_modules/rates/package.json": JSON.stringify({ type: "module", exports: { import: "./index.js" } }),
        "node_modules/rates/index.js": "export default 19; export const name = 'vat';",
      };
      expect(await answerOf(files)).toEqual([19, "vat", ["default", "name"], 19]);
    },
  );

  test("an ES module without a default export", async () => {
    const files = {
      "plugins/vat.ts": "import { rate } from 'rates'; export default () => rate;",
      "node_modules/rates/index.mjs": "export const rate = 19;",
      "node_modules/rates/package.json": '{ "exports": "./index.mjs" }',
    };
    expect(await answerOf(files)).toBe(19);
  });

  test("a value that an ES module changes later is seen", async () => {
    const files = {
      "plugins/vat.ts": "import { rate, raise } from 'rates'; export default () => { raise(); return rate; };",
      "node_modules/rates/index.mjs": "export let rate = 19; export const raise = () => { rate += 1; };",
      "node_modules/rates/package.json": '{ "exports": "./index.mjs" }',
    };
    expect(await answerOf(files)).toBe(20);
  });

  test.each([
    [MODULE, { default: 19 }],
    ["{}", 19],
  ])("a default import of compiled CommonJS beside a package.json of %s", async (manifest, expected) => {
    const files = {
      "package.json": manifest,
      "plugins/vat.ts": "import rate from 'rates'; export default () => rate;",
      "node_modules/rates/package.json": "{}",
      "node_modules/rates/index.js":
        "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 19;",
    };
    expect(await answerOf(files)).toEqual(expected);
  });

  test("imports take a package's import condition, requires its require condition", async () => {
    const files = {
      "plugins/vat.ts": "import a from 'dual'; import b from './b.cjs'; export default () => [a, b];",
      "plugins/b.cjs": "module.exports = require('dual');",
      "node_modules/dual/package.json": JSON.stringify({
        exports: { module: "./no.js", import: "./a.mjs", require: "./b.cjs" },
      }),
      "node_modules/dual/a.mjs": "export default 'import';",
      "node_modules/dual/b.cjs": "module.exports = 'require';",
    };
    expect(await answerOf(files)).toEqual(["import", "require"]);
  });

  test("each is resolved from the file that imports it", async () => {
    const files = {
      "plugins/vat.ts":
        "import rate from 'rates'; import other from '../shared/other.ts'; export default () => [rate, other];",
      "shared/other.ts": "export { default } from 'rates';",
      "node_modules/rates/package.json": "{}",
      "node_modules/rates/index.js": "module.exports = 'upper';",
      "shared/node_modules/rates/package.json": "{}",
      "shared/node_modules/rates/index.js": "module.exports = 'shared';",
    };
    expect(await answerOf(files)).toEqual(["upper", "shared"]);
  });

  test("Node's own modules, with and without node:", async () => {
    const text = `
      import fs, { readFileSync } from "node:fs"; import { join } from "path"; import * as os from "os";
      import { createRequire } from "node:module"; const require = createRequire(import.meta.url);
      export default async () => [fs.readFileSync === readFileSync, join("a", "b"), typeof os.cpus,
        (await import("node:fs")).default === fs, require("node:fs") === fs];`;
    expect(await answerOf({ "plugins/vat.ts": text })).toEqual([true, "a/b", "function", true, true]);
  });

  test("one that is required within a try may be missing", async () => {
    const files = {
      "plugins/vat.cjs":
        "let rates; try { rates = require('rates'); } catch { rates = 19; } module.exports = () => rates;",
    };
    expect(await answerOf(files, "vat.cjs")).toBe(19);
  });

  test("a workspace linked into node_modules, and aliases, are part of the plugin", async () => {
    const files = {
      "package.json": JSON.stringify({ imports: { "#rates": "./rates/two.ts" } }),
      "tsconfig.json": JSON.stringify({ compilerOptions: { paths: { "@rates/*": ["./rates/*"] } } }),
      "rates/one.ts": "export const one: number = 1;",
      "rates/two.ts": "export const two: number = 2;",
      "workspace/package.json": '{ "exports": "./three.ts" }',
      "workspace/three.ts": "export const three: number = 3;",
      "node_modules/three": { link: "../workspace" },
      "plugins/vat.ts": `import { one } from "@rates/one.ts"; import { two } from "#rates"; import { three } from "three";
        export default () => [one, two, three];`,
    };
    const folder = await createFolder(files);
    const plugin = await loadFrom(folder, "vat.ts");
    expect(await answer(plugin)).toEqual([1, 2, 3]);
    expect(plugin.bundle.inputs).toEqual(expect.arrayContaining([join(folder, "workspace/three.ts")]));
  });
});

describe("zmqecho", () => {
  test("is the host's own copy, imported or required, wherever the plugin lies", async () => {
    const files = {
      "node_modules/zmqecho/package.json": "{}",
      "node_modules/zmqecho/index.js": "throw new Error('a stranger');",
      "plugins/vat.ts": `
        import { ZmqEchoError, defineHandler } from "zmqecho"; import { other } from "./other.cjs";
        export default defineHandler({ async handle() {
          return [new ZmqEchoError("not_found", "x"), new other("not_found", "x"),
            new (await import("zmqecho")).ZmqEchoError("not_found", "x")];
        } });`,
      "plugins/other.cjs": "exports.other = require('zmqecho').ZmqEchoError;",
    };
    const errors = await answerOf(files);
    expect(errors).toEqual([expect.any(ZmqEchoError), expect.any(ZmqEchoError), expect.any(ZmqEchoError)]);
  });

  test("is not loaded for a plugin that does not import it, or only its types", async () => {
    const folder = await createFolder({
      "plugins/vat.ts": "import type { HandlerFunction } from 'zmqecho'; export default ((x) => x) as HandlerFunction;",
    });
    const never = () => Promise.reject(new Error("loaded"));
    expect(await answer(await loadFrom(folder, "vat.ts", { api: never }))).toBe(1);
  });
});

describe("where a file is", () => {
  test("import.meta, __dirname and __filename are each file's own", async () => {
    const report = "[import.meta.url, import.meta.dirname, import.meta.filename]";
    const folder = await createFolder({
      "plugins/vat.ts": `import lib from "./lib/lib.mjs"; import cjs from "./lib/lib.cjs"; export default () => [${report}, lib, cjs];`,
      "plugins/lib/lib.mjs": `export default ${report};`,
      "plugins/lib/lib.cjs": "#!/usr/bin/env node\n'use strict'; module.exports = [__dirname, __filename];",
    });
    const facts = (file: string, ...path: string[]) => [pathToFileURL(file).href, join(file, ".."), file, ...path];
    expect(await answer(await loadFrom(folder, "vat.ts"))).toEqual([
      facts(join(folder, "plugins/vat.ts")),
      facts(join(folder, "plugins/lib/lib.mjs")),
      [join(folder, "plugins/lib"), join(folder, "plugins/lib/lib.cjs")],
    ]);
  });

  test("inputs are all local files, and no packages", async () => {
    const folder = await createFolder({
      "plugins/..data/vat.ts":
        "import './a.ts'; import data from './b.json'; import 'rates'; import 'node:fs'; import 'zmqecho'; export default () => data;",
      "plugins/vat.ts": { link: "..data/vat.ts" },
      "plugins/..data/a.ts": "",
      "plugins/..data/b.json": "{}",
      "node_modules/rates/package.json": "{}",
      "node_modules/rates/index.js": "",
    });
    const {
      bundle: { inputs },
    } = await loadFrom(folder, "vat.ts");
    expect([...inputs].sort()).toEqual(
      ["..data/a.ts", "..data/b.json", "..data/vat.ts", "vat.ts"].map((name) => join(folder, "plugins", name)),
    );
  });
});

describe("what is wrong is told with its place", () => {
  test("a syntax error", async () => {
    expect(await problemOf({ "plugins/vat.ts": "\nexport default (x) => {\n  return x +;\n};" })).toEqual({
      name: "vat",
      file: "plugins/vat.ts",
      line: 3,
      column: 13,
      message: 'Unexpected ";"',
    });
  });

  test("a syntax error in a library, behind letters of several bytes", async () => {
    const files = {
      "plugins/vat.ts": "import './lib.ts'; export default () => 1;",
      "plugins/lib.ts": "const ä = '€𝄞' +;",
    };
    expect(await problemOf(files)).toMatchObject({ file: "plugins/lib.ts", line: 1, column: 18 });
  });

  test("a package that is not installed, and how many errors there are more", async () => {
    const text =
      "import 'node:fs';\nimport x from '@acme/rates/table';\nimport y from './gone.ts';\nexport default () => [x, y];";
    expect(await problemOf({ "plugins/vat.ts": text })).toEqual({
      name: "vat",
      file: "plugins/vat.ts",
      line: 2,
      column: 15,
      message: 'cannot find "@acme/rates/table"; run npm install @acme/rates (and 1 more)',
    });
  });

  test("a local import that is not there", async () => {
    const text = "import x from './gone.ts'; export default () => x;";
    expect(await problemOf({ "plugins/vat.ts": text })).toMatchObject({
      file: "plugins/vat.ts",
      line: 1,
      column: 15,
      message: 'cannot find "./gone.ts"; is the path right?',
    });
  });

  test("an error thrown while the plugin runs", async () => {
    const text = "interface Rate { rate: number }\n\nconst rate = null as unknown as Rate;\nexport default rate.rate;";
    expect(await problemOf({ "plugins/vat.ts": text })).toMatchObject({ file: "plugins/vat.ts", line: 4, column: 21 });
  });

  test("an error thrown by a library, whose first line gets import.meta", async () => {
    const files = {
      "plugins/vat.ts": "import './lib.ts'; export default () => 1;",
      "plugins/lib.ts": "const url: string = import.meta.url; throw new RangeError(`no rates`); export {};",
    };
    expect(await problemOf(files)).toMatchObject({ file: "plugins/lib.ts", line: 1, message: "no rates" });
  });

  test("something thrown that is no error", async () => {
    expect(await problemOf({ "plugins/vat.ts": "throw null; export default 1;" })).toMatchObject({
      file: "plugins/vat.ts",
      message: "a thrown null",
    });
  });

  test("an import that can't be evaluated names the package", async () => {
    const files = {
      "plugins/vat.ts": "import 'rates'; export default () => 1;",
      "node_modules/rates/package.json": MODULE,
      "node_modules/rates/index.js": "throw new Error('no rates');",
    };
    expect((await problemOf(files)).message).toMatch(/^importing .*node_modules\/rates\/index\.js failed: no rates$/);
  });

  test("a required package that fails has the place of its import", async () => {
    const files = {
      "plugins/vat.ts": "\nimport 'rates'; export default () => 1;",
      "node_modules/rates/package.json": "{}",
      "node_modules/rates/index.js": "throw new Error('no rates');",
    };
    expect(await problemOf(files)).toMatchObject({ file: "plugins/vat.ts", line: 2, message: "no rates" });
  });

  test("folders whose names mean something in a URL", async () => {
    const files = {
      "plugins/100% #1?/index.ts": "import './lib%zz/x.ts'; export default () => import('rates');",
      "plugins/100% #1?/lib%zz/x.ts": "export {}; throw new Error(import.meta.filename);",
      "plugins/100% #1?/node_modules/rates/package.json": MODULE,
      "plugins/100% #1?/node_modules/rates/index.js": "",
    };
    expect((await problemOf(files, {}, "100% #1?/index.ts")).message).toMatch(/plugins\/100% #1\?\/lib%zz\/x\.ts$/);
  });

  test("a file that went away, and a folder in its place", async () => {
    expect(await problemOf({})).toMatchObject({ file: "plugins/vat.ts", message: "there is no such file" });
    const files = { "plugins/vat.ts/index.ts": "export default () => 1;" };
    expect(await problemOf(files)).toMatchObject({ message: "this is a folder; name a file in it" });
  });

  test("the wrong shape", async () => {
    expect((await problemOf({ "plugins/vat.ts": "export default 5;" })).message).toMatch(
      /^the default export is a number; /,
    );
  });

  test("the error is unavailable, in one line, and says nothing in its details", async () => {
    const folder = await createFolder({ "plugins/vat.ts": "export default (" });
    const error = await loadFrom(folder, "vat.ts").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unavailable", details: {} });
    expect(String(error)).toBe(
      `PluginError: plugin vat: ${join(folder, "plugins/vat.ts")}:1:17: Unexpected end of file`,
    );
  });

  test("with Node's own stacks as with replaced ones, and a handler's stack has the lines of its source", async () => {
    const text = "interface Rate { rate: number }\n\nexport default () => { throw new Error('no rate'); };";
    const folder = await createFolder({ "plugins/vat.ts": text });
    const { handler } = await loadFrom(folder, "vat.ts");
    const { prepareStackTrace } = Error;
    Reflect.deleteProperty(Error, "prepareStackTrace");
    onTestFinished(() => void Object.assign(Error, { prepareStackTrace }));
    expect(await problemOf({ "plugins/vat.ts": `${text}\n\nthrow new Error("no");` })).toMatchObject({
      line: 5,
      column: 7,
    });
    try {
      handler?.handle(1, {} as HandlerContext);
      expect.unreachable();
    } catch (error) {
      expect((error as Error).stack).toContain(`${join(folder, "plugins/vat.ts")}:3:30`);
    }
  });
});

describe("loading again", () => {
  test("sees changes of all its files", async () => {
    const folder = await createFolder({
      "plugins/vat.ts":
        "import { a } from './a.ts'; import b from './b.cjs'; import c from './c.json'; export default () => [a, b, c];",
      "plugins/a.ts": "export const a = 1;",
      "plugins/b.cjs": "module.exports = 1;",
      "plugins/c.json": "1",
    });
    const before = await loadFrom(folder, "vat.ts");
    await writeFiles(folder, {
      "plugins/a.ts": "export const a = 2;",
      "plugins/b.cjs": "module.exports = 2;",
      "plugins/c.json": "2",
    });
    const after = await loadFrom(folder, "vat.ts");
    expect(await answer(before)).toEqual([1, 1, 1]);
    expect(await answer(after)).toEqual([2, 2, 2]);
    expect(after.bundle.hash).not.toBe(before.bundle.hash);
  });

  test("unchanged code has the same hash", async () => {
    const folder = await createFolder({ "plugins/vat.ts": "export default () => import.meta.url;" });
    expect((await loadFrom(folder, "vat.ts")).bundle.hash).toBe((await loadFrom(folder, "vat.ts")).bundle.hash);
  });

  test.each(["", "await 1; "])("what is replaced is freed: %j", async (start) => {
    const folder = await createFolder({ "plugins/vat.ts": `${start}import "zmqecho"; export default () => 1;` });
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const handles: WeakRef<object>[] = [];
    for (let round = 0; round < 5; round++) {
      const { handler } = await loadFrom(folder, "vat.ts");
      if (handler !== undefined) handles.push(new WeakRef(handler.handle));
    }
    await setImmediate();
    collect();
    expect(handles).toHaveLength(5);
    expect(handles.filter((handle) => handle.deref() !== undefined).length).toBeLessThanOrEqual(1);
  });
});

describe("many plugins", () => {
  test("those that fail do not stop the others, and all keep their order", async () => {
    const folder = await createFolder({
      "plugins/a.ts": "export default () => 1;",
      "plugins/b.ts": "export default (",
      "plugins/c.ts": "throw new Error('no');",
      "plugins/d.ts": "export default () => 4;",
    });
    const { plugins } = await findPlugins(["./plugins"], { folder });
    const loaded = await loadPlugins(plugins.values(), { api });
    expect([...loaded.plugins.keys()]).toEqual(["echo", "mock", "a", "d"]);
    expect(loaded.problems.map((problem) => problem.name)).toEqual(["b", "c"]);
  });

  test("500 load", { timeout: 60_000 }, async () => {
    const text = (index: number) =>
      `import { defineHandler } from "zmqecho"; enum Kind { One = ${index} }
       export default defineHandler({ description: "Number ${index}", handle: (input) => [input, Kind.One] });`;
    const names = Array.from({ length: 500 }, (_, index) => [`plugins/p${index}.ts`, text(index)]);
    const folder = await createFolder(Object.fromEntries(names));
    const { plugins } = await findPlugins(["./plugins"], { folder });
    const loaded = await loadPlugins(plugins.values(), { api });
    expect(loaded.problems).toEqual([]);
    expect(loaded.plugins.size).toBe(502);
  });
});
