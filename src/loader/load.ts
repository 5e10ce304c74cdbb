/** From a plugin's file to what it exports: bundled, run, checked. */
import type { CodecDefinition, HandlerDefinition, Isolation } from "../handler.ts";
import { outlineInWorker } from "../runtime/outline.ts";
import { type Bundle, bundlePlugin } from "./bundle.ts";
import { PluginError } from "./error.ts";
import { type EvaluateOptions, evaluate } from "./evaluate.ts";
import type { PluginFile, PluginProblem } from "./find.ts";
import { outlineOf, type PluginOutline, readShape } from "./shape.ts";

/** A plugin that is loaded: it has a handler, a codec, or both. */
export interface Plugin extends PluginFile {
  /** Its code, ready to run here and in workers. */
  readonly bundle: Bundle;
  readonly outline: PluginOutline;
  /** Absent if there is none, or if the plugin runs in workers only. */
  readonly handler?: HandlerDefinition;
  /** Likewise. */
  readonly codec?: CodecDefinition;
}

/** Where it lies, as plain data that can be handed to a worker. */
export function fileOf({ name, file, folder }: Plugin): PluginFile {
  return { name, file, folder };
}

export interface PluginLoadOptions extends EvaluateOptions {
  /** Where a plugin's code may run. What is not `inline` is looked at in a worker, and never runs in this thread. Default: `inline`. */
  readonly isolation?: (plugin: string) => Isolation;
  /** What was loaded before, by name: what has the same code is not run again. */
  readonly previous?: (plugin: string) => Plugin | undefined;
}

/** What {@link loadPlugins} loaded. No name is in both. */
export interface LoadedPlugins {
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly problems: readonly PluginProblem[];
}

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
      results[index] = await loadPlugin(file, options).catch((error: unknown) => PluginError.of(error, file).problem);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const plugins = results.filter((result) => "bundle" in result);
  return {
    plugins: new Map(plugins.map((plugin) => [plugin.name, plugin])),
    problems: results.filter((result): result is PluginProblem => !("bundle" in result)),
  };
}

/**
 * Bundles, runs and checks one plugin, anew each time; nothing of it is kept, so what replaces it replaces all of it.
 * Throws {@link PluginError} with the position in the source: of a syntax error, of an import that leads nowhere, of
 * what threw while it ran. A loop that never ends can be stopped in a worker only.
 */
export async function loadPlugin(found: PluginFile, options: PluginLoadOptions = {}): Promise<Plugin> {
  const bundle = await bundleOf(found);
  const isolation = options.isolation?.(found.name) ?? "inline";
  const previous = options.previous?.(found.name);
  if (previous !== undefined && isSame(previous, found, bundle, isolation)) return { ...previous, bundle };
  if (isolation !== "inline") {
    return { ...found, bundle, outline: await outlineInWorker(found, bundle, isolation, options.timeoutMs) };
  }
  return evaluate(found, bundle, options, (exported) => {
    const shape = readShape(exported);
    return { ...found, bundle, outline: outlineOf(shape), ...shape };
  });
}

function isSame(previous: Plugin, { file }: PluginFile, { hash }: Bundle, isolation: Isolation): boolean {
  const ranHere = previous.handler !== undefined || previous.codec !== undefined;
  return previous.file === file && previous.bundle.hash === hash && ranHere === (isolation === "inline");
}

/** Bundles and runs any file of code; `use` takes what it exports, and what that throws is placed too. */
export async function runFile<T>(
  found: PluginFile,
  options: EvaluateOptions,
  use: (exported: object, bundle: Bundle) => T,
): Promise<T> {
  const bundle = await bundleOf(found);
  return evaluate(found, bundle, options, (exported) => use(exported, bundle));
}

async function bundleOf(found: PluginFile): Promise<Bundle> {
  try {
    return await bundlePlugin(found);
  } catch (error) {
    throw PluginError.of(error, found);
  }
}
