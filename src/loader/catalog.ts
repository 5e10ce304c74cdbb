/**
 * The plugins there are, kept loaded while a host runs. Each look loads what has changed and nothing else; of a plugin
 * that breaks, the last version that worked stays.
 */
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Isolation } from "../handler.ts";
import { findPlugins, type PluginFile, type PluginProblem } from "./find.ts";
import { loadPlugins, type Plugin } from "./load.ts";
import { areUnchanged, type Stamps, stampFiles } from "./stamp.ts";

export interface CatalogRequest {
  /** `plugins` of the config. */
  readonly entries: readonly string[];
  /** What its folders are relative to. */
  readonly folder: string;
  /** Plugins in files of their own, by name; they win over those of the entries. */
  readonly files?: Readonly<Record<string, string>>;
  /** Where a plugin's code may run, by the plugin's name. */
  readonly isolation: (plugin: string) => Isolation;
}

/** What a look found. */
export interface CatalogContents {
  /** What works, in the last version that did. */
  readonly plugins: ReadonlyMap<string, Plugin>;
  /** What does not load now, whether or not an earlier version of it does its work. */
  readonly problems: readonly PluginProblem[];
  /** All files that plugins are made of, and the folders in which others may appear. Absolute. */
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
  /** Says that this is what is served from now on. Without it the next look compares with what was before. */
  commit(): void;
}

export interface Catalog {
  look(request: CatalogRequest): Promise<CatalogContents>;
}

/** What is known of a plugin's file. */
interface Entry {
  readonly found: PluginFile;
  readonly isolation: Isolation;
  /** The last version that worked. */
  readonly plugin: Plugin | undefined;
  readonly problem: PluginProblem | undefined;
  /** Of all the files that it is made of. */
  readonly stamps: Stamps;
}

export function createCatalog(): Catalog {
  let entries = new Map<string, Entry>();
  /** The folders that entries of `plugins` stood for. */
  let places: ReadonlyMap<string, string> = new Map();

  async function look(request: CatalogRequest): Promise<CatalogContents> {
    const { plugins: byFolder, problems: unfound, folders, byEntry } = await findPlugins(request.entries, request);
    const found = new Map(byFolder);
    const gone = new Map([...places].filter(([entry]) => unfound.some((problem) => problem.entry === entry)));
    for (const [name, file] of Object.entries(request.files ?? {}))
      found.set(name, { name, file, folder: dirname(file) });

    const known = entries;
    const now = new Map<string, Entry>();
    const stale: PluginFile[] = [];
    for (const [name, file] of found) {
      const entry = known.get(name);
      if (entry !== undefined && (await isCurrent(entry, file, request.isolation(name)))) now.set(name, entry);
      else stale.push(file);
    }
    const readFrom = Date.now();
    const loaded = await loadPlugins(stale, {
      isolation: request.isolation,
      previous: (name) => known.get(name)?.plugin,
    });
    for (const file of stale) {
      const plugin = loaded.plugins.get(file.name);
      const problem = loaded.problems.find(({ name }) => name === file.name);
      const isolation = request.isolation(file.name);
      const inputs = [file.file, ...(plugin?.bundle.inputs ?? [])];
      const lastGood = plugin ?? known.get(file.name)?.plugin;
      now.set(file.name, {
        found: file,
        isolation,
        plugin: lastGood,
        problem,
        stamps: await stampFiles(inputs, readFrom),
      });
    }
    for (const problem of unfound) {
      const entry = known.get(problem.name);
      // There, and not to be had: a second file has its name, or a link leads nowhere.
      if (entry?.plugin !== undefined) now.set(problem.name, { ...entry, problem });
    }
    // A package that is just being installed anew has none of its files.
    for (const folder of gone.values()) {
      for (const [name, entry] of known) if (entry.found.folder === folder && !found.has(name)) now.set(name, entry);
    }
    const contents = contentsOf(
      now,
      unfound.filter(({ name }) => !now.has(name)),
      await treesOf(folders),
    );
    return {
      ...contents,
      commit() {
        entries = now;
        places = new Map([...gone, ...byEntry]);
      },
    };
  }

  return { look };
}

/** One that did not load is tried again at each look: what it lacks may lie where nobody knows to look for it. */
async function isCurrent(entry: Entry, found: PluginFile, isolation: Isolation): Promise<boolean> {
  return (
    entry.problem === undefined &&
    entry.found.file === found.file &&
    entry.isolation === isolation &&
    (await areUnchanged(entry.stamps))
  );
}

function contentsOf(
  entries: ReadonlyMap<string, Entry>,
  unfound: readonly PluginProblem[],
  folders: ReadonlySet<string>,
): Omit<CatalogContents, "commit"> {
  const plugins = new Map<string, Plugin>();
  const problems = [...unfound];
  const files = new Set<string>();
  const all = new Set(folders);
  for (const [name, { plugin, problem, stamps, found }] of entries) {
    if (plugin !== undefined) plugins.set(name, plugin);
    if (problem !== undefined) {
      problems.push(problem);
      for (const place of [found.file, problem.file, problem.missing]) if (place !== undefined) all.add(dirname(place));
    }
    for (const file of [...stamps.keys(), ...(plugin?.bundle.inputs ?? [])]) files.add(file);
  }
  return { plugins, problems, files, folders: all };
}

/** A folder with more folders than this in it holds more than plugins; in the rest only the files in use are followed. */
const MOST_FOLDERS = 1000;

/** The folders, and those in them: a plugin may appear in one, or something that a plugin imports. */
async function treesOf(folders: Iterable<string>): Promise<Set<string>> {
  const all = new Set(folders);
  for (const folder of all) {
    const items = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const item of items) {
      if (all.size >= MOST_FOLDERS) return all;
      if (item.isDirectory() && item.name !== "node_modules" && !item.name.startsWith("."))
        all.add(join(folder, item.name));
    }
  }
  return all;
}
