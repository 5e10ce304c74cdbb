/**
 * Hints that something on disk may have changed. What did is for the user to find out, so one too many costs little.
 *
 * Only folders are watched: a file's watch would stay with the old file when an editor puts a new one in its place. For
 * each path it is every folder on the way, from the root and over links, each for the next name. So whatever is moved,
 * replaced, re-pointed or created anywhere on the way is an event for a name that is waited for.
 */
import { type FSWatcher, type Stats, watch as watchFolder } from "node:fs";
import { basename, dirname, join } from "node:path";
import { textOf } from "../../errors.ts";
import { ANY, factsAt, fileSystemWithoutEvents, identityOf, listingOf, mountPoints } from "./disk.ts";
import { follow } from "./follow-path.ts";

/** What is to be watched. */
export interface Watched {
  /** Files, absolute; they may be missing. */
  readonly files: Iterable<string>;
  /** Folders, absolute, each with whatever is directly in it; they may be missing. Not recursive. */
  readonly folders: Iterable<string>;
}

/** What {@link createWatcher} gives. */
export interface Watcher {
  /** Replaces what is watched. What is watched already goes on without a gap; what is new counts as a change. */
  watch(what: Watched): void;
  close(): void;
}

/** What {@link createWatcher} needs. */
export interface WatcherOptions {
  /** Called when things have been quiet again after something happened. Never called after close(). */
  readonly onChange: () => void;
  /** Quiet milliseconds before onChange (default 40); under continuous events after 5 times that anyway. */
  readonly quietMs?: number;
  /**
   * Told in one line, once a cause, when events can't be had for a folder (ENOSPC, EMFILE, a file system that has none
   * for changes made elsewhere) and it is looked at once a second.
   */
  readonly onTrouble?: (message: string) => void;
}

/** A folder that is watched. */
interface Place {
  /** Another folder at the same path has another; empty when there may be one. */
  identity: string;
  events?: FSWatcher;
  /** Whether it is looked at once a second. */
  looked: boolean;
  /** What was there at the last look. */
  seen?: string;
}

const LOOK_MS = 1000;
const ADVICE: Record<string, string> = {
  ENOSPC: "; raise fs.inotify.max_user_watches",
  EMFILE: "; raise fs.inotify.max_user_instances or ulimit -n",
};

/** Watches nothing until its watch() is called. Keeps no process alive, and never throws for what it finds on disk. */
export function createWatcher({ onChange, onTrouble, quietMs = 40 }: WatcherOptions): Watcher {
  const places = new Map<string, Place>();
  /** The names that count, by folder. */
  let wanted = new Map<string, Set<string>>();
  let what: Watched = { files: [], folders: [] };
  let first = 0;
  let last = 0;
  let settling: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  const told = new Set<string>();
  let closed = false;

  function happened(): void {
    last = performance.now();
    if (settling !== undefined) return;
    first = last;
    settling = setTimeout(settle, quietMs).unref();
  }

  function settle(): void {
    const left = Math.min(last + quietMs, first + 5 * quietMs) - performance.now();
    settling = left > 0 ? setTimeout(settle, left).unref() : undefined;
    if (settling !== undefined) return;
    // Before onChange, so that what is new on the way is watched when its user looks.
    renew();
    onChange();
  }

  /** Watches what the paths lead over now, and no more. Tells whether any of it was not watched before. */
  function renew(): boolean {
    const before = wanted;
    const facts = new Map<string, Stats | undefined>();
    let more = false;
    wanted = new Map();

    function factsOf(path: string): Stats | undefined {
      if (!facts.has(path)) facts.set(path, factsAt(path));
      return facts.get(path);
    }

    function want(folder: string, name: string): void {
      const names = wanted.get(folder) ?? new Set();
      if (!wanted.has(folder)) {
        wanted.set(folder, names);
        const identity = identityOf(factsOf(folder));
        if (places.get(folder)?.identity !== identity) {
          open(folder, identity);
          more = true;
        }
      }
      names.add(name);
      more ||= before.get(folder)?.has(name) !== true;
    }

    function pass(folder: string, name: string): Stats | undefined {
      // Watched first and looked at then, so nothing falls between.
      want(folder, name);
      return factsOf(join(folder, name));
    }

    for (const file of what.files) follow(file, pass);
    for (const path of what.folders) {
      const folder = follow(path, pass);
      if (folder !== undefined) want(folder, ANY);
    }
    for (const [folder, place] of places) {
      if (wanted.has(folder)) continue;
      place.events?.close();
      places.delete(folder);
    }
    if (more) lookAtMountedFiles();
    return more;
  }

  function open(folder: string, identity: string): void {
    const old = places.get(folder);
    const place: Place = { identity, looked: false };
    places.set(folder, place);
    try {
      place.events = watchFolder(folder, { persistent: false }, (kind, name) => {
        // A folder's own end or move comes with its own name. The next one may have the same inode.
        if (kind === "rename" && name === basename(folder)) place.identity = "";
        const names = wanted.get(folder);
        if (name === null || names?.has(ANY) || names?.has(name)) happened();
      });
      place.events.on("error", (error) => lookInstead(folder, place, error));
    } catch (error) {
      lookInstead(folder, place, error as NodeJS.ErrnoException);
    }
    // The new one is there already: if it is the same folder after all, there is no gap.
    old?.events?.close();
    const shared = fileSystemWithoutEvents(folder);
    if (shared === undefined) return;
    startLooking(place);
    tell(shared, `${folder} is on ${shared}, where not all changes come as events; it is looked at once a second`);
  }

  function lookInstead(folder: string, place: Place, error: NodeJS.ErrnoException): void {
    startLooking(place);
    const { code = "" } = error;
    // Gone since it was found; the folder above tells when there is another.
    if (code === "ENOENT" || code === "ENOTDIR") place.identity = "";
    // A folder that may be passed but not listed, as /home can be, is nobody's mistake.
    else if (code !== "EACCES") {
      tell(code, `no events for ${folder}, it is looked at once a second: ${textOf(error)}${ADVICE[code] ?? ""}`);
    }
  }

  /** Not at once, as it may close the watcher. */
  function tell(cause: string, message: string): void {
    if (told.has(cause)) return;
    told.add(cause);
    queueMicrotask(() => {
      if (!closed) onTrouble?.(message);
    });
  }

  /** A file mounted by itself, as by `docker -v`, has its events in the folder it came from, not where it is seen. */
  function lookAtMountedFiles(): void {
    for (const point of mountPoints()) {
      const place = places.get(dirname(point));
      const names = wanted.get(dirname(point));
      if (place === undefined || !(names?.has(ANY) || names?.has(basename(point)))) continue;
      if (!factsAt(point)?.isDirectory()) startLooking(place);
    }
  }

  function startLooking(place: Place): void {
    place.looked = true;
    looking ??= setInterval(look, LOOK_MS).unref();
  }

  /** The first look at a place always counts as a change: one before it would have been missed. */
  function look(): void {
    for (const [folder, place] of places) {
      if (!place.looked) continue;
      const seen = listingOf(folder, wanted.get(folder) ?? new Set());
      if (seen !== place.seen) happened();
      place.seen = seen;
    }
  }

  return {
    watch(next) {
      if (closed) return;
      what = { files: [...next.files], folders: [...next.folders] };
      if (renew()) happened();
    },
    close() {
      closed = true;
      clearTimeout(settling);
      clearInterval(looking);
      for (const place of places.values()) place.events?.close();
      places.clear();
    },
  };
}
