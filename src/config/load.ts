/** Loading a configuration, top to bottom: the sources, the merge, the checks, the result. */
import { dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Explained } from "./explain.ts";
import type { ConfigFile } from "./file.ts";
import { type Environment, interpolate } from "./interpolate.ts";
import type { Layer } from "./layers.ts";
import { isPlainObject } from "./path.ts";
import type { FindNames } from "./references.ts";
import {
  configError,
  danglingIn,
  isRefused,
  type RefusedConfig,
  type ResolvedConfig,
  resolveLayers,
} from "./resolve.ts";
import type { ConfigInput } from "./schema.ts";

/** A valid configuration that knows where each of its values came from, and reads itself again. */
export interface LoadedConfig extends ResolvedConfig {
  /** The files it was made from, absolute; if none was found, the one that would be found first. */
  readonly files: readonly string[];
  /**
   * Reads the same file again, with the same environment and flags; if there was none, looks for one again.
   * Rejects with a `ConfigError` as `loadConfig` does. What was given as an object gives itself.
   */
  reload(): Promise<LoadedConfig>;
}

export interface LoadOptions {
  /** The file to read, relative to `cwd`. Default: `ZMQECHO_CONFIG`, or the nearest one that is found. */
  readonly file?: string;
  /** Where the search starts. Default: the process's. */
  readonly cwd?: string;
  /** Default: the process's. */
  readonly env?: Environment;
  /**
   * Merged on top of all else, key by key. But `endpoints` take the place of all others and of targets of their names, and each
   * of `codecs` that of the one with its name. Relative paths are relative to `cwd`, and `${}` is left alone.
   */
  readonly flags?: ConfigInput;
}

/**
 * Finds, reads, merges and checks: flags over the environment over the file over the defaults.
 * Throws `ConfigError` with all the problems there are.
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  return loadConfigWithNames(options);
}

/**
 * As {@link loadConfig}, and a name that nothing stands behind is told together with whatever else is wrong. A configuration
 * in which nothing else is comes back as it is: for that the plugins are loaded anyway, and know better.
 */
export async function loadConfigWithNames(options: LoadOptions, findNames?: FindNames): Promise<LoadedConfig> {
  const { env = process.env, flags = {} } = options;
  const cwd = resolve(options.cwd ?? ".");
  const named = options.file ?? (env.ZMQECHO_CONFIG || undefined);
  const { findConfigFile, FIRST_PLACE, readConfigFile } = await import("./file.ts");
  const found =
    named === undefined
      ? await findConfigFile(cwd)
      : await readConfigFile(resolve(cwd, named), options.file === undefined ? "ZMQECHO_CONFIG" : "--config");

  async function withFile(file: ConfigFile | undefined): Promise<LoadedConfig> {
    async function reload(): Promise<LoadedConfig> {
      if (file === undefined) return loadConfigWithNames(options, findNames);
      // Not another search: a file that is gone must not hand over to another one, or to none.
      const fileNow = await readConfigFile(file.file);
      const now = await withFile(fileNow);
      const isSameCode = file.hash !== undefined && file.hash === fileNow.hash;
      return isSameCode && isSameButForFunctions(loaded.config, now.config) ? loaded : now;
    }
    const resolved = resolveFile(file, { env, flags, cwd });
    if (isRefused(resolved)) throw configError(resolved, await danglingIn(resolved, findNames));
    const loaded = {
      ...resolved,
      files: file?.inputs ?? [join(cwd, FIRST_PLACE)],
      reload,
    };
    return loaded;
  }
  return withFile(found);
}

/** The same code makes other functions each time it runs, and they do the same. */
function isSameButForFunctions(one: unknown, other: unknown): boolean {
  if (typeof one === "function") return typeof other === "function";
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => isSameButForFunctions(item, other[index]));
  }
  if (isPlainObject(one) && isPlainObject(other)) {
    const keys = Object.keys(one);
    return (
      isDeepStrictEqual(keys, Object.keys(other)) && keys.every((key) => isSameButForFunctions(one[key], other[key]))
    );
  }
  return isDeepStrictEqual(one, other);
}

function resolveFile(
  found: ConfigFile | undefined,
  { env, flags, cwd }: { readonly env: Environment; readonly flags: ConfigInput; readonly cwd: string },
): ResolvedConfig | RefusedConfig {
  const folder = found === undefined ? cwd : dirname(found.file);
  const layers: Layer[] = [];
  const problems: Explained[] = [];
  if (found !== undefined) {
    const { value, ...result } = interpolate(withoutReplaced(found.value, flags), env);
    problems.push(...result.problems);
    const { position } = found;
    layers.push({
      source: "file",
      value,
      folder,
      file: found.file,
      sources: result.sources,
      ...(position && { position }),
    });
  }
  layers.push(environmentLayer(env, cwd), inputLayer(flags, cwd, problems));
  return resolveLayers(layers, problems, folder, found);
}

/**
 * Checks a configuration that is given as an object. No file is read, no variable of the environment counts, and `${}` is left alone.
 * Throws `ConfigError` with all the problems there are.
 * @param options.folder what relative paths are relative to; default: the working directory
 */
export function resolveConfig(input: ConfigInput, options: { readonly folder?: string } = {}): LoadedConfig {
  const folder = resolve(options.folder ?? ".");
  const problems: Explained[] = [];
  const resolved = resolveLayers([inputLayer(input, folder, problems)], problems, folder);
  if (isRefused(resolved)) throw configError(resolved);
  const loaded: LoadedConfig = { ...resolved, files: [], reload: async () => loaded };
  return loaded;
}

/** The variables that override a file, with what they set. A variable that is set to nothing counts as unset. */
const VARIABLES: Readonly<Record<string, readonly [string, string]>> = {
  ZMQECHO_LOG_LEVEL: ["log", "level"],
  ZMQECHO_LOG_FORMAT: ["log", "format"],
};

function environmentLayer(env: Environment, folder: string): Layer {
  const names = new Map<string, string>();
  const value: Record<string, Record<string, string>> = {};
  for (const [name, [section, key]] of Object.entries(VARIABLES)) {
    const text = env[name];
    if (!text) continue;
    value[section] = { ...value[section], [key]: text };
    names.set(`${section}.${key}`, name);
  }
  return { source: "environment", value, folder, variable: (path) => names.get(path.join(".")) };
}

/** What a file keeps beside flags that name servers and codecs: a name stands for one of each, the flags'. */
function withoutReplaced(value: unknown, { endpoints, codecs }: ConfigInput): unknown {
  if (!isPlainObject(value)) return value;
  const kept = { ...value };
  if (endpoints !== undefined) {
    delete kept.endpoints;
    kept.targets = withoutKeys(value.targets, endpoints);
  }
  if (codecs !== undefined) kept.codecs = withoutKeys(value.codecs, codecs);
  return kept;
}

function withoutKeys(value: unknown, taken: object): unknown {
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !Object.hasOwn(taken, key)));
}

function inputLayer(input: unknown, folder: string, problems: Explained[]): Layer {
  const { value, ...result } = interpolate(input);
  problems.push(...result.problems);
  return { source: "flag", value, folder };
}
