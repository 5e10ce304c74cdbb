/** What layers come to: a valid configuration, or all that is wrong in them. */
import { ConfigError, type Problem } from "../errors.ts";
import { DEFAULTS } from "./defaults.ts";
import { type Config, effectiveConfig } from "./effective.ts";
import { type Explained, explain } from "./explain.ts";
import type { ConfigFile } from "./file.ts";
import { type Layer, mergeLayers, type Origin, originOf, ownerOf, problemAt, sourceText } from "./layers.ts";
import type { Flaw } from "./located-json.ts";
import { isPlainObject, type Path } from "./path.ts";
import { areNamesKnown, checkReferences, type FindNames } from "./references.ts";
import { checkRelations } from "./relations.ts";
import { configSchema } from "./schema.ts";

/** A valid configuration that knows where each of its values came from. */
export interface ResolvedConfig {
  readonly config: Config;
  /** Absolute; absent if none was found. */
  readonly file?: string;
  /** What relative paths are relative to: the file's folder, or the working directory. Absolute. */
  readonly folder: string;
  /** Where the value at a path came from. */
  origin(path: Path): Origin;
  /** A problem found later, with the file, line and column of the value at a path. */
  problem(path: Path, message: string): Problem;
  /** The text with its `${NAME}` where variables were filled in; undefined where none were. */
  source(path: Path): string | undefined;
}

/** Layers that come to nothing, and why. */
export interface RefusedConfig {
  readonly layers: readonly Layer[];
  readonly folder: string;
  readonly merged: unknown;
  readonly problems: readonly Explained[];
  /** Of the file. */
  readonly flaws: readonly Flaw[];
}

/**
 * Merges and checks.
 * @param found what is wrong with the layers already
 * @param folder what relative paths of defaults are relative to
 */
export function resolveLayers(
  layers: readonly Layer[],
  found: readonly Explained[],
  folder: string,
  { file, flaws = [] }: Partial<Pick<ConfigFile, "file" | "flaws">> = {},
): ResolvedConfig | RefusedConfig {
  const merged = mergeLayers(layers);
  const folderOf = (path: Path) => ownerOf(layers, path)?.layer.folder ?? folder;
  const schema = configSchema();
  const parsed = schema.safeParse(merged);
  const issues = parsed.success ? [] : explain(parsed.error.issues, merged, (path) => sourceText(layers, path));
  const problems = [...found, ...elsewhere(found, [...issues, ...checkRelations(merged, folderOf)])];
  if (!parsed.success || problems.length > 0) return { layers, folder, merged, problems, flaws };
  const effective = effectiveConfig(parsed.data, folderOf);
  if (effective.problems.length > 0 || flaws.length > 0)
    return { layers, folder, merged, problems: effective.problems, flaws };
  return {
    config: effective.config,
    ...(file !== undefined && { file }),
    folder,
    origin: (path) => originOf(layers, path),
    problem: (path, message) => problemAt(layers, path, message),
    source: (path) => sourceText(layers, path),
  };
}

export function isRefused(result: ResolvedConfig | RefusedConfig): result is RefusedConfig {
  return "problems" in result;
}

/** Names with nothing behind them, beside what else is wrong. */
export async function danglingIn(
  { folder, merged, problems, flaws }: RefusedConfig,
  findNames?: FindNames,
): Promise<Explained[]> {
  if (findNames === undefined || !isPlainObject(merged) || !areNamesKnown([...problems, ...flaws])) return [];
  const entries = (merged.plugins ?? DEFAULTS.plugins) as readonly string[];
  const names = await findNames(entries, folder);
  return names === undefined ? [] : elsewhere(problems, checkReferences(merged, names));
}

/** A value that is already known to be wrong (a variable is not set) is not worth a second complaint. */
function elsewhere(known: readonly Explained[], more: readonly Explained[]): Explained[] {
  const places = new Set(known.map(({ path }) => JSON.stringify(path)));
  return more.filter(({ path }) => !places.has(JSON.stringify(path)));
}

/** All of it in the order of the file. */
export function configError(
  { layers, problems, flaws }: RefusedConfig,
  dangling: readonly Explained[] = [],
): ConfigError {
  const placed = [...problems, ...dangling].map(({ path, message, part }) => problemAt(layers, path, message, part));
  return new ConfigError(
    [...flaws.map(({ problem }) => problem), ...placed].sort(
      (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
    ),
  );
}
