/**
 * Runs a plugin's code and takes what it exports. Plugins are code with the host's own rights; nothing here confines them.
 */
import Module, { createRequire, findSourceMap } from "node:module";
import { fileURLToPath } from "node:url";
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

export interface LoadOptions {
  /** The module that `import "zmqecho"` gives to plugins: the host's own copy. Called only if a plugin asks for it. */
  readonly api: () => Promise<object>;
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

/** Loads plugins, a few at a time. What does not load is in `problems`, and the others are loaded all the same. */
export async function loadPlugins(found: Iterable<PluginFile>, options: LoadOptions): Promise<LoadedPlugins> {
  const plugins = new Map<string, Plugin>();
  const problems: PluginProblem[] = [];
  const rest = found[Symbol.iterator]();
  async function work(): Promise<void> {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      try {
        plugins.set(next.value.name, await loadPlugin(next.value, options));
      } catch (error) {
        if (!(error instanceof PluginError)) throw error;
        problems.push(error.problem);
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { plugins, problems };
}

/**
 * Bundles, runs and checks one plugin, anew each time; nothing of it is kept, so what replaces it replaces all of it.
 * Throws {@link PluginError} with the position in the source: of a syntax error, of an import that leads nowhere, of
 * what threw while it ran. A loop that never ends can't be stopped.
 */
export async function loadPlugin(found: PluginFile, options: LoadOptions): Promise<Plugin> {
  const { name, file } = found;
  let bundle: Bundle | undefined;
  try {
    bundle = await bundlePlugin(found);
    const { timeoutMs = 10_000 } = options;
    const late = `top-level await took longer than ${timeoutMs} ms; do slow work in setup`;
    const exported = await within(timeoutMs, late, run(bundle, options));
    return { name, file, inputs: bundle.inputs, hash: bundle.hash, ...readShape(exported) };
  } catch (error) {
    if (error instanceof PluginError) throw error;
    throw new PluginError({ name, file, ...(bundle && positionOf(error, bundle)), message: textOf(error) }, error);
  }
}

async function run(bundle: Bundle, options: LoadOptions): Promise<object> {
  const modules: Record<string, object> = {};
  for (const module of bundle.modules) {
    modules[module] = module === HOST_MODULE ? await options.api() : asEsModule(await importPackage(module));
  }
  const scope: BundleScope = { modules };
  await compile(bundle)(scope);
  return scope.exports ?? {};
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

function compile({ code, file }: Bundle): (scope: BundleScope) => Promise<void> {
  // Without it the lines in stacks, a handler's too, are those of the bundle.
  process.setSourceMapsEnabled(true);
  const module = new Module(file) as CompilableModule;
  module.filename = file;
  module.paths = createRequire(file).resolve.paths("x") ?? [];
  // All in the first line, and the end behind the source map, so that lines stay in place.
  module._compile(`"use strict"; module.exports = async function (${SCOPE}) { ${code}\n};`, file);
  return module.exports;
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

/** The first line of an error's stack that is in one of the files, or in the bundle made of them. */
function positionOf(error: unknown, bundle: Bundle): Position {
  const stack = error instanceof Error && typeof error.stack === "string" ? error.stack.split("\n") : [];
  for (const frame of stack.filter((line) => /^\s+at /.test(line))) {
    for (const file of [bundle.file, ...bundle.inputs]) {
      const [, line, column] = /^:(\d+):(\d+)/.exec(frame.split(file)[1] ?? "") ?? [];
      if (line === undefined || column === undefined) continue;
      const position = { file, line: Number(line), column: Number(column) };
      return file === bundle.file ? sourceOf(position) : position;
    }
  }
  return {};
}

/** Where a place in a bundle comes from. Stacks say it themselves, unless somebody replaced `Error.prepareStackTrace`. */
function sourceOf({ file, line, column }: Required<Position>): Position {
  const entry = findSourceMap(file)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !("originalSource" in entry)) return {};
  const { originalSource, originalLine, originalColumn } = entry;
  return { file: fileURLToPath(originalSource), line: originalLine + 1, column: originalColumn + 1 };
}
