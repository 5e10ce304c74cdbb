/**
 * Runs a bundle's code and takes what it exports, in the host or in a worker. Plugins are code with the rights of the
 * process that runs them; nothing here confines them.
 */
import Module, { createRequire, findSourceMap } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { DEFAULTS } from "../config/defaults.ts";
import { textOf } from "../errors.ts";
import type { Bundle, BundleScope, HOST_MODULE as HostModule, SCOPE as Scope } from "./bundle.ts";
import { PluginError } from "./error.ts";
import type { PluginFile, PluginProblem } from "./find.ts";

// Said again, since the bundler would load node:crypto into every worker. What differs does not compile.
const HOST_MODULE: typeof HostModule = "zmqecho";
const SCOPE: typeof Scope = "__zmqecho";

export interface EvaluateOptions {
  /**
   * The module that `import "zmqecho"` gives to plugins; called only if one asks for it. Default: this package by its
   * own name, so the very modules that run here.
   */
  readonly api?: () => Promise<object>;
  /** How long top-level `await` may take, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
}

type Position = Pick<PluginProblem, "file" | "line" | "column">;

/**
 * Runs a bundle and gives what it exports to `use`; whatever either throws becomes a {@link PluginError} with its
 * position in the source. A loop that never ends can't be stopped from here.
 */
export async function evaluate<T>(
  found: PluginFile,
  bundle: Bundle,
  options: EvaluateOptions,
  use: (exported: object) => T,
): Promise<T> {
  try {
    const { timeoutMs = DEFAULTS.setupTimeoutMs } = options;
    const late = `top-level await took longer than ${timeoutMs} ms; do slow work in setup`;
    return use(await within(timeoutMs, late, run(bundle, options)));
  } catch (error) {
    throw PluginError.of(error, found, positionOf(error, bundle));
  }
}

async function run(bundle: Bundle, options: EvaluateOptions): Promise<object> {
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
  // From Node 22 on V8 keeps what is compiled so in its cache, source map and all, and each reload would add to it.
  setFlagsFromString("--no-compilation-cache");
  try {
    module._compile(`"use strict"; module.exports = async function (${SCOPE}) { ${code}\n};`, file);
  } finally {
    setFlagsFromString("--compilation-cache");
  }
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
