/**
 * A plugin and all its local files as one piece of code, so that reloading one replaces all of it.
 * Packages stay outside: each is resolved where it is imported, and loaded by Node itself.
 */
import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildFailure, Message, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { PluginError } from "./error.ts";
import { byEsbuild } from "./esbuild.ts";
import type { PluginFile, PluginProblem } from "./find.ts";

/** The one name that bundled code takes from its surroundings, a {@link BundleScope}. */
export const SCOPE = "__zmqecho";

/** What bundled code needs, and where it leaves its result. */
export interface BundleScope {
  /** By what {@link Bundle.modules} names. */
  readonly modules: Readonly<Record<string, unknown>>;
  /** The plugin's module namespace, set by the code when it has run. */
  exports?: object;
}

export interface Bundle {
  /** The body of an async function with {@link SCOPE} as its parameter and `require` in reach, and an inline source map. */
  readonly code: string;
  /** What the code should run as: a name beside the plugin's real path, another one for other code. */
  readonly file: string;
  /** SHA-256 of the code, in hexadecimal. */
  readonly hash: string;
  /** Every local file it is made of, absolute. */
  readonly inputs: readonly string[];
  /** What must be in {@link BundleScope.modules} before the code runs: URLs of ES modules, and perhaps {@link HOST_MODULE}. */
  readonly modules: readonly string[];
}

/** What plugins import to get at the host. */
export const HOST_MODULE = "zmqecho";

/**
 * Bundles a plugin. Throws {@link PluginError} with the position of a syntax error or of an import that leads nowhere.
 *
 * The code is made as an ES module, which may use top-level `await`, but without any import or export left in it, so
 * that it runs as a function: Node never frees a module it imported, a function it does.
 */
export async function bundlePlugin(found: PluginFile): Promise<Bundle> {
  const file = await realFile(found.file);
  const folder = dirname(file);
  const modules = new Set<string>();
  try {
    const { outputFiles, metafile } = await byEsbuild(({ build }) =>
      build({
        stdin: {
          contents: `import * as plugin from ${JSON.stringify(file)}; ${SCOPE}.exports = plugin;`,
          resolveDir: folder,
          sourcefile: ENTRY,
        },
        absWorkingDir: folder,
        // Nothing is written; the sources' paths in the source map are relative to it.
        outfile: join(folder, "bundle.js"),
        write: false,
        bundle: true,
        platform: "node",
        target: "node20",
        format: "esm",
        // None but Node's own conditions: esbuild would add "module", which Node doesn't know.
        conditions: [],
        define: { "import.meta": META, __dirname: `${META}.dirname`, __filename: `${META}.filename` },
        sourcemap: "inline",
        sourcesContent: false,
        metafile: true,
        logLevel: "silent",
        plugins: [linkPackages(modules), refuseOtherThanFiles, locateFiles],
      }),
    );
    const code = outputFiles[0]?.text ?? "";
    const local = Object.keys(metafile.inputs).filter((input) => input !== ENTRY && !MADE_HERE.test(input));
    const hash = createHash("sha256").update(code).digest("hex");
    return {
      code,
      file: `${file}.${hash.slice(0, 8)}.bundle.js`,
      hash,
      inputs: [...new Set([found.file, ...local.map((input) => resolve(folder, input))])],
      modules: [...modules],
    };
  } catch (error) {
    if (isBuildFailure(error)) throw new PluginError(problemFrom(found.name, file, error.errors));
    throw error;
  }
}

async function realFile(given: string): Promise<string> {
  const file = await realpath(given).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new Error("there is no such file") : error;
  });
  const facts = await stat(file);
  if (facts.isDirectory()) throw new Error("this is a folder; name a file in it");
  if (!facts.isFile()) throw new Error(NO_FILE);
  return file;
}

const ENTRY = "<plugin>";
const META = "__zmqecho_meta";

/** Namespaces of modules made here: one by `require`, one by `import`, one from the scope. */
const REQUIRED = "zmqecho-required";
const IMPORTED = "zmqecho-imported";
const SCOPED = "zmqecho-scoped";
const MADE_HERE = new RegExp(`^(?:${REQUIRED}|${IMPORTED}|${SCOPED}):`);

/**
 * Replaces imports of packages by modules that hand over what Node loaded: the host itself and ES modules from
 * {@link BundleScope.modules}, where the loader has put them, everything else by `require`. Adds to `modules`.
 */
function linkPackages(modules: Set<string>): Plugin {
  async function link(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    if (args.pluginData === linkPackages) return undefined;
    if (args.path === HOST_MODULE) {
      modules.add(HOST_MODULE);
      return madeHere(SCOPED, HOST_MODULE);
    }
    const { path, kind, importer, resolveDir, namespace } = args;
    const to = await build.resolve(path, { kind, importer, resolveDir, namespace, pluginData: linkPackages });
    // What is nowhere is esbuild's to report, or not, if it is required within a try.
    if (to.errors.length > 0) return undefined;
    // An alias of tsconfig.json, an import that starts with #, a linked workspace: part of the plugin.
    if (!to.external && !/[\\/]node_modules[\\/]/.test(to.path)) return undefined;
    if (kind === "dynamic-import") return { path: to.external ? to.path : pathToFileURL(to.path).href, external: true };
    if (kind !== "import-statement") return { path: to.path, external: true };
    if (to.external || !(await isEsModule(to.path))) return madeHere(REQUIRED, to.path);
    const url = pathToFileURL(to.path).href;
    modules.add(url);
    return madeHere(IMPORTED, url);
  }
  return {
    name: "zmqecho-packages",
    setup(build) {
      build.onResolve({ filter: /^[^./]/, namespace: "file" }, (args) => link(build, args));
      build.onResolve({ filter: /./, namespace: REQUIRED }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /./, namespace: IMPORTED }, ({ path }) => madeHere(SCOPED, path));
      provide(build, REQUIRED, (path) => `module.exports = require(${path});`);
      // By way of a second module, since a default import straight from CommonJS may mean all of its exports.
      provide(build, IMPORTED, (url) => `export * from ${url}; export { default } from ${url};`);
      provide(build, SCOPED, (key) => `module.exports = ${SCOPE}.modules[${key}];`);
    },
  };
}

/** The colon hides the path's ending, by which esbuild would tell an ES module from CommonJS. */
function madeHere(namespace: string, path: string): OnResolveResult {
  return { path: `${path}:`, namespace };
}

function provide(build: PluginBuild, namespace: string, textFor: (quotedPath: string) => string): void {
  build.onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: textFor(JSON.stringify(path.slice(0, -1))) }));
}

/** A pipe would be waited for, by esbuild or by a thread of Node's, for as long as nobody writes to it. */
const refuseOtherThanFiles: Plugin = {
  name: "zmqecho-files",
  setup(build) {
    build.onLoad({ filter: /./, namespace: "file" }, async ({ path }) => {
      const facts = await stat(path).catch(() => undefined);
      return facts === undefined || facts.isFile() ? undefined : { errors: [{ text: `${path}: ${NO_FILE}` }] };
    });
  },
};

const NO_FILE = "this is no regular file, and is not read";

/** Gives each file its own `import.meta`, `__dirname` and `__filename`, in its first line so that lines stay in place. */
const locateFiles: Plugin = {
  name: "zmqecho-locations",
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]s$/, namespace: "file" }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      if (!/\bimport\s*\.\s*meta\b|\b__(?:dirname|filename)\b/.test(text)) return undefined;
      const [hashbang = ""] = /^#!.*\n/.exec(text) ?? [];
      const contents = hashbang + locationOf(path) + text.slice(hashbang.length);
      return { contents, loader: extname(path).endsWith("ts") ? "ts" : "js" };
    });
  },
};

function locationOf(file: string): string {
  const meta = { url: pathToFileURL(file).href, dirname: dirname(file), filename: file };
  return `var ${META} = ${JSON.stringify(meta)}; `;
}

/** As Node decides it: https://nodejs.org/api/packages.html#determining-module-system */
async function isEsModule(file: string): Promise<boolean> {
  if (file.endsWith(".mjs")) return true;
  return file.endsWith(".js") && (await typeOfPackage(dirname(file))) === "module";
}

async function typeOfPackage(folder: string): Promise<unknown> {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => undefined);
  if (text !== undefined) return (JSON.parse(text) as { type?: unknown }).type;
  const parent = dirname(folder);
  return parent === folder ? undefined : typeOfPackage(parent);
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

function problemFrom(name: string, plugin: string, errors: readonly Message[]): PluginProblem {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const specifier = /^Could not resolve "([^"]+)"$/.exec(first?.text ?? "")?.[1];
  const message = specifier === undefined ? (first?.text ?? "esbuild failed without a word") : whatToDo(specifier);
  const location = first?.location;
  if (!location || MADE_HERE.test(location.file)) return { name, file: plugin, message: message + more };
  const file = resolve(dirname(plugin), location.file);
  // esbuild counts bytes, from 0.
  const before = Buffer.from(location.lineText).subarray(0, location.column).toString();
  const added = before.startsWith(locationOf(file)) ? locationOf(file).length : 0;
  return {
    name,
    file,
    line: location.line,
    column: before.length - added + 1,
    message: message + more,
    ...(specifier?.startsWith(".") && { missing: resolve(dirname(file), specifier) }),
  };
}

function whatToDo(specifier: string): string {
  const name = /^(?:@[^/]+\/)?[^./][^/]*/.exec(specifier)?.[0];
  return `cannot find ${JSON.stringify(specifier)}; ${name === undefined ? "is the path right?" : `run npm install ${name}`}`;
}
