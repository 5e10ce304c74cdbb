/**
 * Which plugins there are: names and files, without reading or running any.
 */
import type { Dirent } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { textOf } from "../errors.ts";

/** A plugin as it lies on disk. */
export interface PluginFile {
  /** What it is called by: the file's name without its ending, or its folder's. */
  readonly name: string;
  /** Absolute. */
  readonly file: string;
  /** The plugins folder it was found in, absolute. */
  readonly folder: string;
}

/** A plugin that can't be had, or an entry of `plugins` that can't be read. */
export interface PluginProblem {
  /** The plugin's name; for an entry of `plugins` it is `entry "…"`, which is never the name of a plugin. */
  readonly name: string;
  /** Absolute. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based, in characters. */
  readonly column?: number;
  /** What is wrong and what to do, in one line. */
  readonly message: string;
  /** The entry of `plugins` that can't be read. */
  readonly entry?: string;
  /** Absolute: the file that is imported and not there, perhaps without its ending. */
  readonly missing?: string;
}

/** What {@link findPlugins} found. No name is in both. */
export interface FoundPlugins {
  readonly plugins: ReadonlyMap<string, PluginFile>;
  readonly problems: readonly PluginProblem[];
  /** Where it looked, absolute; a folder that is missing may yet appear. */
  readonly folders: readonly string[];
  /** The folder that each entry stands for, absolute; without those that are among the problems. */
  readonly byEntry: ReadonlyMap<string, string>;
}

/** The plugins that come with this package, seen from src/loader and from dist/loader alike. */
const SHIPPED = fileURLToPath(new URL("../../plugins", import.meta.url));

const NAME = /^[A-Za-z0-9][\w.-]*$/;
/** The endings of files that hold code. */
export const CODE = /\.[cm]?[jt]s$/;

/** Files and folders of a plugins folder that are no plugins, by their names. */
export const PASSED_OVER = /^[._]|^node_modules$|\.d\.[cm]?ts$|\.(?:test|spec)\./;
const PACKAGE = /^(?:@[\w.~-]+\/)?[a-z0-9~-][\w.~-]*$/i;

/** A file that makes a plugin; `flaw` says why it may not. */
interface Candidate extends PluginFile {
  readonly flaw?: string;
}

/**
 * Finds the plugins of all entries, and those shipped with this package, which give way to yours by name.
 * An entry that starts with `.` or `/` is a folder, relative to `options.folder`; a missing one holds nothing. Any
 * other is an npm package, looked for in the `node_modules` folders from `options.folder` upwards.
 * What is wrong is in `problems`, and the rest is found all the same.
 */
export async function findPlugins(
  entries: readonly string[],
  options: { readonly folder: string },
): Promise<FoundPlugins> {
  const problems: PluginProblem[] = [];
  const shipped = await realpath(SHIPPED);
  const read = new Set([shipped]);
  const folders = [SHIPPED];
  const byEntry = new Map<string, string>();
  const yours: Candidate[] = [];
  for (const entry of entries) {
    try {
      const folder = /^[./]/.test(entry)
        ? resolve(options.folder, entry)
        : await folderOfPackage(entry, options.folder, (root) => folders.push(root));
      folders.push(folder);
      const real = await realFolder(folder);
      byEntry.set(entry, folder);
      if (real === undefined || read.has(real)) continue;
      read.add(real);
      yours.push(...(await candidatesIn(folder, real)));
    } catch (error) {
      problems.push({ name: `entry ${JSON.stringify(entry)}`, entry, message: textOf(error) });
    }
  }

  const byName = new Map(groupByName(await candidatesIn(SHIPPED, shipped)));
  for (const [name, candidates] of groupByName(yours)) byName.set(name, candidates);
  const plugins = new Map<string, PluginFile>();
  for (const [name, candidates] of byName) {
    const [first] = candidates;
    if (first === undefined) continue;
    const { file, folder } = first;
    const message = flawOf(name, candidates);
    if (message === undefined) plugins.set(name, { name, file, folder });
    else problems.push({ name, file, message });
  }
  return { plugins, problems, folders, byEntry };
}

function groupByName(candidates: readonly Candidate[]): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const group = groups.get(candidate.name);
    if (group === undefined) groups.set(candidate.name, [candidate]);
    else group.push(candidate);
  }
  return groups;
}

function flawOf(name: string, candidates: readonly Candidate[]): string | undefined {
  if (!NAME.test(name)) {
    return `${JSON.stringify(name)} is no plugin's name; use letters, digits, "_", "." and "-", a letter or digit first`;
  }
  if (candidates.length > 1) {
    const files = candidates.map((candidate) => candidate.file).join(" and ");
    return `there is one plugin to a name, and ${files} have the same; rename or remove one`;
  }
  return candidates[0]?.flaw;
}

/** The plugins at the top of a folder, sorted; `real` is its real path, which no link may leave. */
async function candidatesIn(folder: string, real: string): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const item of await itemsOf(folder)) {
    const { kind, flaw } = await inspect(item, folder, real);
    const path = join(folder, item.name);
    if (kind !== "folder" && CODE.test(item.name)) {
      const other = kind === "other" && { flaw: "a pipe, a socket or a device; a plugin is a regular file" };
      found.push({ name: item.name.replace(CODE, ""), file: path, folder, ...other, ...flaw });
    } else if (kind === "folder") {
      for (const inner of await itemsOf(path)) {
        if (inner.name.replace(CODE, "") !== "index" || inner.name === "index") continue;
        const index = await inspect(inner, path, real);
        if (index.kind === "file") {
          found.push({ name: item.name, file: join(path, inner.name), folder, ...index.flaw, ...flaw });
        }
      }
    }
  }
  return found;
}

async function itemsOf(folder: string): Promise<Dirent[]> {
  const items = await readdir(folder, { withFileTypes: true });
  return items.filter((item) => !PASSED_OVER.test(item.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Inspected {
  readonly kind: "file" | "folder" | "other";
  readonly flaw?: { readonly flaw: string };
}

/** What an item is, or what it links to. */
async function inspect(item: Dirent, folder: string, real: string): Promise<Inspected> {
  if (!item.isSymbolicLink()) return { kind: kindOf(item) };
  const path = join(folder, item.name);
  const target = await realpath(path).catch(() => undefined);
  if (target === undefined) return { kind: "file", flaw: { flaw: "a link to nothing; remove it or mend it" } };
  const kind = kindOf(await stat(target));
  if (isInside(target, real)) return { kind };
  return {
    kind,
    flaw: { flaw: `a link out of the plugins folder, to ${target}; list that folder in "plugins" instead` },
  };
}

function kindOf(item: { isFile(): boolean; isDirectory(): boolean }): Inspected["kind"] {
  return item.isFile() ? "file" : item.isDirectory() ? "folder" : "other";
}

/** Kubernetes mounts files as links into a folder called `..data`, so two dots alone don't lead out. */
function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`);
}

/** The real path of a folder; undefined if nothing is there. */
async function realFolder(folder: string): Promise<string | undefined> {
  const real = await realpath(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (real !== undefined && !(await stat(real)).isDirectory()) {
    throw new Error(`${folder} is a file; name the folder it is in, ${dirname(folder)}`);
  }
  return real;
}

/**
 * The folder that a package's `package.json#zmqecho.plugins` names.
 * @param looksIn told where the package lies, or would
 */
async function folderOfPackage(name: string, from: string, looksIn: (root: string) => void): Promise<string> {
  if (!PACKAGE.test(name)) {
    throw new Error(`neither a folder, which starts with "." or "/", nor the name of an npm package`);
  }
  const root = await rootOfPackage(name, resolve(from));
  looksIn(root ?? join(resolve(from), "node_modules", name));
  if (root === undefined) {
    throw new Error(`no npm package of that name in ${from}; run npm install ${name}, or for a folder write ./${name}`);
  }
  const file = join(root, "package.json");
  const manifest = parseManifest(file, await readFile(file, "utf8"));
  const plugins = property(property(manifest, "zmqecho"), "plugins");
  if (typeof plugins !== "string") {
    throw new Error(`${file} holds no "zmqecho": { "plugins": "./folder" }; the package offers no plugins`);
  }
  const folder = resolve(root, plugins);
  if (!isInside(folder, root)) throw new Error(`${file}: zmqecho.plugins leads out of the package: ${plugins}`);
  if ((await realFolder(folder)) === undefined) {
    throw new Error(`${file}: zmqecho.plugins names ${plugins}, which is not there`);
  }
  return folder;
}

async function rootOfPackage(name: string, from: string): Promise<string | undefined> {
  const root = join(from, "node_modules", name);
  const there = await stat(join(root, "package.json")).then(
    (facts) => facts.isFile(),
    () => false,
  );
  if (there) return root;
  const parent = dirname(from);
  return parent === from ? undefined : rootOfPackage(name, parent);
}

function parseManifest(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no JSON: ${textOf(error)}`);
  }
}

function property(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
