/**
 * What the nearest configuration says, for a look in passing: unchecked, and no code is run, since whoever only looks at a
 * stranger's folder has not asked for that. Not by cosmiconfig, which may run `.config/config.js`.
 */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CODE_FILE, FIRST_PLACES, PACKAGE_KEY } from "./file.ts";
import { interpolate } from "./interpolate.ts";
import { readJson } from "./located-json.ts";
import { isPlainObject } from "./path.ts";

export interface Peeked {
  /** With the variables that are set filled in; empty if there is no configuration. */
  readonly value: Readonly<Record<string, unknown>>;
  /** What its paths are relative to, absolute. */
  readonly folder: string;
}

/** Rejects if there is one that can't be read, or only by running it. */
export async function peekAtConfig(named = process.env.ZMQECHO_CONFIG || undefined): Promise<Peeked> {
  const file = named === undefined ? await nearest(process.cwd()) : resolve(named);
  if (file === undefined) return { value: {}, folder: process.cwd() };
  const { value } = interpolate(await contentOf(file), process.env);
  return { value: isPlainObject(value) ? value : {}, folder: dirname(file) };
}

async function nearest(cwd: string): Promise<string | undefined> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const first = await firstOf(FIRST_PLACES, folder);
    if (first !== undefined) return first;
    const { getDefaultSearchPlaces } = await import("cosmiconfig");
    const other = await firstOf(getDefaultSearchPlaces(PACKAGE_KEY), folder);
    if (other !== undefined) return other;
    if (folder === dirname(folder) || (await isThere(join(folder, "package.json")))) return undefined;
  }
}

async function firstOf(places: readonly string[], folder: string): Promise<string | undefined> {
  for (const place of places) {
    const file = join(folder, place);
    if (!(await isThere(file))) continue;
    // One without our key is only a package's.
    if (place.startsWith("package.") && (await contentOf(file)) === undefined) continue;
    return file;
  }
  return undefined;
}

async function contentOf(file: string): Promise<unknown> {
  if (CODE_FILE.test(file)) throw new Error(`${file} is code`);
  const text = await readFile(file, "utf8");
  if (basename(file) === "package.json") return readJson(file, text, PACKAGE_KEY).value;
  if (/\.jsonc?$/.test(file)) return readJson(file, text).value;
  const { defaultLoaders } = await import("cosmiconfig");
  // JSON is YAML, but for its comments.
  const value: unknown = defaultLoaders[".yaml"](file, text);
  return basename(file) === "package.yaml" && isPlainObject(value) ? value[PACKAGE_KEY] : value;
}

async function isThere(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() ?? false;
}
