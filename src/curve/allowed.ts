/** The public certificates in a folder. One that has not changed since it was read is not read again: there may be thousands. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { textOf } from "../errors.ts";
import { readPublicKey } from "./certificate.ts";

export interface Allowed {
  readonly keys: readonly string[];
  /** Of files that let nobody in, though they are there to. */
  readonly unread: readonly string[];
  /** Links, whose ends are elsewhere: a change there is none in the folder. */
  readonly links: readonly string[];
}

interface Remembered {
  readonly key: string;
  readonly identity: string;
}

/** CZMQ's name for a public certificate. */
export const SUFFIX = ".key";
/** Open files. */
const AT_ONCE = 32;
/** A file may change twice within a tick of the file system's clock, so what has just changed is not trusted. */
const TICK_MS = 2000;

/** Reads a folder, and remembers what was in it. Rejects if the folder can't be read. */
export function createAllowedReader(): (folder: string) => Promise<Allowed> {
  const folders = new Map<string, ReadonlyMap<string, Remembered>>();

  return async (folder) => {
    const before = folders.get(folder);
    const now = new Map<string, Remembered>();
    const found = (await readdir(folder, { withFileTypes: true }))
      .filter(({ name }) => name.endsWith(SUFFIX) && !name.startsWith("."))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const files = found.map(({ name }) => join(folder, name));
    const keys: string[] = [];
    const unread: string[] = [];
    for (let at = 0; at < files.length; at += AT_ONCE) {
      const some = files.slice(at, at + AT_ONCE);
      const read = await Promise.allSettled(some.map((file) => readOne(file, before?.get(file))));
      for (const [index, one] of read.entries()) {
        if (one.status === "fulfilled") {
          keys.push(one.value.key);
          now.set(some[index] ?? "", one.value);
        } else unread.push(`${textOf(one.reason)}; whose key it was to be is not let in`);
      }
    }
    folders.set(folder, now);
    const links = files.filter((_, index) => found[index]?.isSymbolicLink());
    return { keys, unread, links };
  };
}

async function readOne(file: string, before: Remembered | undefined): Promise<Remembered> {
  // Before it is read: what changes in between is another the next time.
  const identity = await identityOf(file);
  if (before !== undefined && before.identity === identity) return before;
  return { key: await readPublicKey(file), identity };
}

/** Of the file behind a link; another each time for one that can't be looked at or has just changed. */
async function identityOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(file, { bigint: true });
    const isSettled = Date.now() - Number(ctimeMs) > TICK_MS;
    return [dev, ino, size, mtimeNs, ctimeNs, isSettled ? "" : performance.now()].join(" ");
  } catch {
    return String(performance.now());
  }
}
