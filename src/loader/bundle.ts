/**
 * A plugin and all its local files as one piece of code, so that reloading one replaces all of it.
 * Packages stay outside: each is resolved where it is imported, and loaded by Node itself.
 */
import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildFailure, Message, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { PluginError } from "./error.ts";
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
  /** The plugin's real path, which its code runs under. */
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
  const { build } = await import("esbuild");
  const file = await realpath(found.file);
  const folder = dirname(file);
  const modules = new Set<string>();
  try {
    const { outputFiles, metafile } = await build({
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
      plugins: [linkPackages(modules), locateFiles],
    });
    const code = outputFiles[0]?.text ?? "";
    const local = Object.keys(metafile.inputs).filter((input) => input !== ENTRY && !VIRTUAL.test(input));
    return {
      code,
      file,
      hash: createHash("sha256").update(code).digest("hex"),
      inputs: [...new Set([found.file, ...local.map((input) => resolve(folder, input))])],
      modules: [...modules],
    };
  } catch (error) {
    if (isBuildFailure(error)) throw new PluginError(problemFrom(found.name, file, error.errors));
    throw error;
  }
}

const ENTRY = "<plugin>";
const META = "__zmqecho_meta";
const VIRTUAL = /^zmqecho-(?:required|imported|scope):/;

/**
 * Replaces imports of packages by modules that hand over what Node loaded: the host itself and ES modules from
 * {@link BundleScope.modules}, where the loader has put them, everything else by `require`.
 */
function linkPackages(modules: Set<string>): Plugin {
  async function link(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    if (args.pluginData === linkPackages) return undefined;
    if (args.namespace === "zmqecho-imported") return { path: args.path, namespace: "zmqecho-scope" };
    if (args.namespace !== "file") return { path: args.path, external: true };
    if (args.path === HOST_MODULE) {
      modules.add(HOST_MODULE);
      return { path: HOST_MODULE, namespace: "zmqecho-scope" };
    }
    const { path, kind, importer, resolveDir, namespace } = args;
    const to = await build.resolve(path, { kind, importer, resolveDir, namespace, pluginData: linkPackages });
    // What is nowhere is esbuild's to report, or not, if it is required within a try.
    if (to.errors.length > 0) return undefined;
    // An alias of tsconfig.json, an import that starts with #, a linked workspace: part of the plugin.
    if (!to.external && !/[\\/]node_modules[\\/]/.test(to.path)) return undefined;
    if (kind === "dynamic-import") return { path: to.external ? to.path : pathToFileURL(to.path).href, external: true };
    if (kind !== "import-statement") return { path: to.path, external: true };
    if (to.external || !(await isEsModule(to.path))) return { path: to.path, namespace: "zmqecho-required" };
    const url = pathToFileURL(to.path).href;
    modules.add(url);
    return { path: url, namespace: "zmqecho-imported" };
  }
  const handOver = (contents: string): OnLoadResult => ({ contents, loader: "js", resolveDir: "/" });
  return {
    name: "zmqecho-packages",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, (args) => link(build, args));
      build.onLoad({ filter: /./, namespace: "zmqecho-required" }, ({ path }) =>
        handOver(`module.exports = require(${JSON.stringify(path)});`),
      );
      // In two steps, because a default import straight from CommonJS may be all of its exports.
      build.onLoad({ filter: /./, namespace: "zmqecho-imported" }, ({ path }) =>
        handOver(`export * from ${JSON.stringify(path)}; export { default } from ${JSON.stringify(path)};`),
      );
      build.onLoad({ filter: /./, namespace: "zmqecho-scope" }, ({ path }) =>
        handOver(`module.exports = ${SCOPE}.modules[${JSON.stringify(path)}];`),
      );
    },
  };
}

/** Gives each file its own `import.meta`, `__dirname` and `__filename`, in its first line so that lines stay in place. */
const locateFiles: Plugin = {
  name: "zmqecho-locations",
  setup(build) {
    build.onLoad({ filter: /\.[cm]?[jt]s$/, namespace: "file" }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      if (!/\bimport\s*\.\s*meta\b|\b__(?:dirname|filename)\b/.test(text)) return undefined;
      const meta = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path };
      const [hashbang = ""] = /^#!.*\n/.exec(text) ?? [];
      const contents = `${hashbang}var ${META} = ${JSON.stringify(meta)}; ${text.slice(hashbang.length)}`;
      return { contents, loader: extname(path).endsWith("ts") ? "ts" : "js" };
    });
  },
};

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
  const missing = /^Could not resolve "([^"]+)"$/.exec(first?.text ?? "")?.[1];
  const message =
    missing === undefined
      ? (first?.text ?? "esbuild failed without saying why")
      : `cannot find ${JSON.stringify(missing)}; ${/^[./]/.test(missing) ? "is the path right?" : `run npm install ${missing}`}`;
  const location = first?.location;
  if (location?.namespace !== "file") return { name, file: plugin, message: message + more };
  return {
    name,
    file: resolve(dirname(plugin), location.file),
    line: location.line,
    // esbuild counts bytes, from 0.
    column: Buffer.from(location.lineText).subarray(0, location.column).toString().length + 1,
    message: message + more,
  };
}
