/**
 * Runs a plugin's code and takes what it exports. Plugins are code with the host's own rights; nothing here confines them.
 */
import Module, { createRequire, findSourceMap } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DEFAULTS } from "../config/defaults.ts";
import { textOf } from "../errors.ts";
import type { CodecDefinition, HandlerDefinition } from "../handler.ts";
import { type Bundle, type BundleScope, bundlePlugin, HOST_MODULE, SCOPE } from "./bundle.ts";
import { PluginError } from "./error.ts";
import type { PluginFile, PluginProblem } from "./find.ts";
import { readShape } from "./shape.ts";

/** A plugin that is loaded: it has a handler, a codec, or both. */
export interface Plugin {
  readonly name: string;
  /** Absolute, as it was found. */
  readonly file: string;
  /** Every local file it is made of, absolute: when one changes, so may the plugin. */
  readonly inputs: readonly string[];
  /** SHA-256 of its code, local imports included and packages not. */
  readonly hash: string;
  readonly handler?: HandlerDefinition;
  readonly codec?: CodecDefinition;
}

export interface PluginLoadOptions {
  /**
   * The module that `import "zmqecho"` gives to plugins; called only if one asks for it. Default: this package by its
   * own name, so the very modules that run here.
   */
  readonly api?: () => Promise<object>;
  /** How long top-level `await` may take, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
}

/** What {@link loadPlugins} loaded. No name is in both. */
export interface LoadedPlugins {
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly problems: readonly PluginProblem[];
}

type Position = Pick<PluginProblem, "file" | "line" | "column">;

/** More at once gain nothing: the bundler has threads of its own, and running the code has one. */
const AT_ONCE = 8;

/** Loads plugins, a few at a time; the results are in the order of `found`. What does not load is in `problems`, and the others are loaded all the same. */
export async function loadPlugins(
  found: Iterable<PluginFile>,
  options: PluginLoadOptions = {},
): Promise<LoadedPlugins> {
  const files = [...found];
  const results: (Plugin | PluginProblem)[] = [];
  const rest = files.entries();
  async function work(): Promise<void> {
    for (const [index, file] of rest) {
      results[index] = await loadPlugin(file, options).catch((error: unknown) => {
        if (error instanceof PluginError) return error.problem;
        throw error;
      });
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const plugins = results.filter((result) => "hash" in result);
  return {
    plugins: new Map(plugins.map((plugin) => [plugin.name, plugin])),
    problems: results.filter((result): result is PluginProblem => !("hash" in result)),
  };
}

/**
 * Bundles, runs and checks one plugin, anew each time; nothing of it is kept, so what replaces it replaces all of it.
 * Throws {@link PluginError} with the position in the source: of a syntax error, of an import that leads nowhere, of
 * what threw while it ran. A loop that never ends can't be stopped.
 */
export async function loadPlugin(found: PluginFile, options: PluginLoadOptions = {}): Promise<Plugin> {
  const { name, file } = found;
  return runFile(found, options, (exported, { inputs, hash }) => ({
    name,
    file,
    inputs,
    hash,
    ...readShape(exported),
  }));
}

/** The same for any file of code; `use` takes what it exports, and what that throws is placed too. */
export async function runFile<T>(
  found: PluginFile,
  options: PluginLoadOptions,
  use: (exported: object, bundle: Bundle) => T,
): Promise<T> {
  const { name, file } = found;
  let bundle: Bundle | undefined;
  try {
    bundle = await bundlePlugin(found);
    const { timeoutMs = DEFAULTS.setupTimeoutMs } = options;
    const late = `top-level await took longer than ${timeoutMs} ms; do slow work in setup`;
    const exported = await within(timeoutMs, late, run(bundle, options));
    return use(exported, bundle);
  } catch (error) {
    if (error instanceof PluginError) throw error;
    const message = textOf(error).replace(/\s*\n\s*/g, " ");
    throw new PluginError({ name, file, ...(bundle && positionOf(error, bundle)), message }, error);
  }
}

async function run(bundle: Bundle, options: PluginLoadOptions = {}): Promise<object> {
  const modules: Record<string, object> = {};
  for (const module of bundle.modules) {
    modules[module] =
      module === HOST_MODULE ? await (options.api ?? hostApi)() : asEsModule(await importPackage(module));
  }
  const scope: BundleScope = { modules };
  const { module, code } = compile(bundle);
  const { stackTraceLimit } = Error;
  // Ten lines, the default, may end within a package that fails, before they come to the plugin.
  Error.stackTraceLimit = 50;
  const done = code(scope);
  Error.stackTraceLimit = stackTraceLimit;
  await done;
  const exported = scope.exports ?? {};
  for (const value of Object.values(exported)) {
    if (value !== null && (typeof value === "object" || typeof value === "function")) sources.set(value, module);
  }
  return exported;
}

function hostApi(): Promise<object> {
  return import(HOST_MODULE);
}

async function importPackage(url: string): Promise<object> {
  try {
    return await import(url);
  } catch (error) {
    throw new Error(`importing ${fileURLToPath(url)} failed: ${textOf(error)}`, { cause: error });
  }
}

/** Marked as bundled code expects it of a module whose default export is one among others. */
function asEsModule(namespace: object): object {
  const marked = Object.defineProperty({}, "__esModule", { value: true });
  for (const key of Object.keys(namespace)) {
    Object.defineProperty(marked, key, { enumerable: true, get: () => Reflect.get(namespace, key) });
  }
  return marked;
}

/** Of Module, what its typings leave out: what `require` itself runs a file with. */
interface CompilableModule extends Module {
  _compile(code: string, file: string): void;
}

/** Node forgets a source map together with its module, so a module lives as long as what it has exported. */
const sources = new WeakMap<object, Module>();

function compile({ code, file }: Bundle): { module: Module; code: (scope: BundleScope) => Promise<void> } {
  // Without it the lines in stacks, a handler's too, are those of the bundle.
  process.setSourceMapsEnabled(true);
  const module = new Module(file) as CompilableModule;
  module.filename = file;
  module.paths = createRequire(file).resolve.paths("x") ?? [];
  // All in the first line, and the end behind the source map, so that lines stay in place.
  module._compile(`"use strict"; module.exports = async function (${SCOPE}) { ${code}\n};`, file);
  return { module, code: module.exports };
}

async function within<T>(timeoutMs: number, late: string, result: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late)), timeoutMs);
  });
  try {
    return await Promise.race([result, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The first line of an error's stack that is in one of the plugin's files. */
function positionOf(error: unknown, bundle: Bundle): Position {
  const stack = error instanceof Error && typeof error.stack === "string" ? error.stack.split("\n") : [];
  for (const frame of stack.filter((line) => /^\s+at /.test(line))) {
    for (const file of [bundle.file, ...bundle.inputs]) {
      const [, line, column] = /^:(\d+):(\d+)/.exec(frame.split(file)[1] ?? "") ?? [];
      if (line === undefined || column === undefined) continue;
      const position = { file, line: Number(line), column: Number(column) };
      const source = file === bundle.file ? sourceOf(position, bundle.inputs) : position;
      if (source !== undefined) return source;
    }
  }
  return {};
}

/** Where a place in a bundle comes from. Stacks say it themselves, unless somebody replaced `Error.prepareStackTrace`. */
function sourceOf(place: Required<Position>, inputs: readonly string[]): Position | undefined {
  const entry = findSourceMap(place.file)?.findEntry(place.line - 1, place.column - 1);
  if (entry === undefined || !("originalSource" in entry)) return undefined;
  const file = inputs.find((input) => pathToFileURL(input).href === entry.originalSource);
  return file === undefined ? file : { file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}
