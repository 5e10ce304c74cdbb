/** Where a value came from: what was merged, lowest first, and how it looks up a path. */
import type { Problem } from "../errors.ts";
import type { LocatedJson } from "./located-json.ts";
import { formatPath, isPlainObject, type Path, valueAt } from "./path.ts";

/** Where a value of the configuration came from. */
export interface Origin {
  /** What `createHost` is given counts as a flag. */
  readonly source: "default" | "file" | "environment" | "flag";
  /** Absolute; for `file`. */
  readonly file?: string;
  /** 1-based; for a file in JSON. */
  readonly line?: number;
  /** 1-based; for a file in JSON. */
  readonly column?: number;
  /** The variable; for `environment`. */
  readonly name?: string;
}

/** One source of configuration. */
export interface Layer {
  readonly source: Exclude<Origin["source"], "default">;
  /** Plain data, its variables filled in. */
  readonly value: unknown;
  /** What relative paths in it are relative to. Absolute. */
  readonly folder: string;
  readonly file?: string;
  readonly position?: LocatedJson["position"];
  /** Strings as they were written, by `JSON.stringify(path)`, where a variable was filled in. */
  readonly sources?: ReadonlyMap<string, string>;
  /** The variable that gave the value at a path. */
  readonly variable?: (path: Path) => string | undefined;
}

/** Objects are merged key by key; anything else of a higher layer takes the place of what is below. */
export function mergeLayers(layers: readonly Layer[]): unknown {
  return layers.reduce<unknown>((below, { value }) => merge(below, value), undefined);
}

function merge(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isPlainObject(below) || !isPlainObject(above)) return above;
  const merged = { ...below };
  for (const [key, value] of Object.entries(above))
    merged[key] = merge(Object.hasOwn(below, key) ? below[key] : undefined, value);
  return merged;
}

/** The layer whose value counts at a path, with the part of the path that it has itself. */
export function ownerOf(layers: readonly Layer[], path: Path): { layer: Layer; path: Path } | undefined {
  // Of an object that several layers add to, the lowest is its home; of anything else the highest is what counts.
  const container = layers.find(({ value }) => isPlainObject(valueAt(value, path)));
  if (container !== undefined) return { layer: container, path };
  for (const layer of layers.toReversed()) {
    const own = ownPath(layer.value, path);
    if (own !== undefined) return { layer, path: own };
  }
  return undefined;
}

/** The path as far as this value has it: one string where a list is meant ends it early. */
function ownPath(value: unknown, path: Path): Path | undefined {
  for (let length = 0; length <= path.length; length++) {
    const here = valueAt(value, path.slice(0, length));
    if (here === undefined) return undefined;
    if (!isPlainObject(here) && !Array.isArray(here)) return path.slice(0, length);
    if (
      Array.isArray(here) &&
      (length === path.length || valueAt(here, path.slice(length, length + 1)) === undefined)
    ) {
      return path.slice(0, length);
    }
  }
  return path;
}

export function originOf(layers: readonly Layer[], path: Path): Origin {
  const owner = ownerOf(layers, path);
  if (owner === undefined) return { source: "default" };
  const { layer } = owner;
  const name = layer.variable?.(owner.path);
  return {
    source: layer.source,
    ...(layer.file !== undefined && { file: layer.file }),
    ...layer.position?.(owner.path),
    ...(name !== undefined && { name }),
  };
}

/** The text that was written where a variable was filled in; undefined if the value is as it was written. */
export function sourceText(layers: readonly Layer[], path: Path): string | undefined {
  const owner = ownerOf(layers, path);
  return owner?.layer.sources?.get(JSON.stringify(owner.path));
}

/** A problem with its place: that of the value, or of the nearest thing around it that was written. */
export function problemAt(layers: readonly Layer[], path: Path, message: string, part?: "key"): Problem {
  const text = formatPath(path);
  for (let length = path.length; length > 0; length--) {
    const owner = ownerOf(layers, path.slice(0, length));
    if (owner === undefined) continue;
    const { layer } = owner;
    const variable = layer.variable?.(owner.path);
    return {
      ...(layer.file !== undefined && { file: layer.file }),
      ...layer.position?.(owner.path, part),
      path: text,
      message: variable === undefined ? message : `${message} (from the environment variable ${variable})`,
    };
  }
  const file = layers.find((layer) => layer.file !== undefined)?.file;
  return { ...(file !== undefined && { file }), ...(text !== "" && { path: text }), message };
}
