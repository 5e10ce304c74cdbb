/**
 * The recordings in one folder: begun, added to, and removed again so that all of them together keep within bounds. Other hosts may
 * write to the same folder, files may be taken away at any time, and what this program did not name is never touched.
 */
import { constants, createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Entry, entryPieces, type Header, headerLine } from "../recording/format.ts";

/** Of all files together. */
export interface Bounds {
  readonly max: number;
  readonly maxBytes: number;
}

/** What a recording says once for all of its requests. */
export type Head = Omit<Header, "startedAt">;

export interface NewEntry extends Omit<Entry, "number" | "atMs"> {
  /** When its request was read, in milliseconds since the epoch. */
  readonly at: number;
}

export interface CaptureFiles {
  /** From the next entry on. */
  configure(bounds: Bounds): void;
  /** Makes the folder, if it is not there, and counts what is in it. */
  look(): Promise<void>;
  /**
   * Adds to the endpoint's recording, or begins the next one; the oldest files make room. One call at a time. Rejects with what the system
   * says, and leaves no part of the entry behind.
   */
  append(endpoint: string, head: Head, entry: NewEntry): Promise<void>;
}

interface Size {
  readonly entries: number;
  readonly bytes: number;
}

/** One that an endpoint's entries are added to. */
interface Current {
  readonly name: string;
  readonly head: string;
  readonly startedAt: number;
}

/** Time, endpoint, process and a number; sorted by name they are sorted by time. */
const NAME = /^capture-\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z-[A-Za-z0-9][\w.-]*-\d+-\d+\.jsonl$/;

/** Names of files have 255 bytes at most. */
const LONGEST_ENDPOINT = 150;

/** A link that somebody has put there is not followed. */
const TO_ADD = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

/** Full files are removed as a whole, so there are about as many: that is how much of what is kept goes at once. */
const FILES = 10;

export function createCaptureFiles(dir: string, first: Bounds): CaptureFiles {
  let bounds = first;
  let sizes: ReadonlyMap<string, Size> | undefined;
  const currents = new Map<string, Current>();
  let begun = 0;

  async function look(): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const found = new Map<string, Size>();
    for (const each of await readdir(dir, { withFileTypes: true })) {
      if (!each.isFile() || !NAME.test(each.name)) continue;
      const size = await sizeOf(join(dir, each.name), sizes?.get(each.name));
      if (size !== undefined) found.set(each.name, size);
    }
    sizes = found;
  }

  async function append(endpoint: string, head: Head, entry: NewEntry): Promise<void> {
    const needed = headerLine({ ...head, startedAt: "" }).length + mostBytesOf(entry);
    const { maxBytes } = bounds;
    if (needed > maxBytes) throw new Error(`a request and its reply take ${needed} bytes, and maxBytes is ${maxBytes}`);
    if (!isToBeContinued(currents.get(endpoint), JSON.stringify(head), needed)) {
      currents.delete(endpoint);
      await look();
    }
    await makeRoom(needed);
    const current = currents.get(endpoint);
    if (current !== undefined) {
      // Whatever is wrong with that file, the next one is tried in another.
      currents.delete(endpoint);
      if (await addTo(current, entry)) {
        currents.set(endpoint, current);
        return;
      }
      // The folder may have gone with it.
      await look();
    }
    await begin(endpoint, head, entry);
  }

  function isToBeContinued(current: Current | undefined, head: string, needed: number): boolean {
    const size = current && sizes?.get(current.name);
    if (current?.head !== head || size === undefined) return false;
    return size.entries < Math.ceil(bounds.max / FILES) && size.bytes + needed <= bounds.maxBytes / FILES;
  }

  async function makeRoom(needed: number): Promise<void> {
    const left = new Map(sizes);
    const isFull = () => {
      const all = [...left.values()];
      const entries = all.reduce((sum, size) => sum + size.entries, 0);
      const bytes = all.reduce((sum, size) => sum + size.bytes, 0);
      return entries + 1 > bounds.max || bytes + needed > bounds.maxBytes;
    };
    if (!isFull()) return;
    for (const name of [...left.keys()].sort()) {
      if (!isFull()) break;
      await unlink(join(dir, name)).catch(unlessGone);
      left.delete(name);
      for (const [endpoint, current] of currents) if (current.name === name) currents.delete(endpoint);
    }
    sizes = left;
  }

  /** False if the file has gone, or a link is in its place. */
  async function addTo(current: Current, entry: NewEntry): Promise<boolean> {
    const { name, startedAt } = current;
    const file = await open(join(dir, name), TO_ADD).catch(unlessGoneOrLink);
    if (file === undefined) return false;
    const entries = sizes?.get(name)?.entries ?? 0;
    try {
      await write(file, name, entries, () => entryPieces(numbered(entry, entries + 1, startedAt)));
    } finally {
      await file.close();
    }
    return true;
  }

  async function begin(endpoint: string, head: Head, entry: NewEntry): Promise<void> {
    const { file, name } = await create(endpoint, entry.at);
    const startedAt = entry.at;
    try {
      await write(file, name, 0, function* () {
        yield headerLine({ ...head, startedAt: new Date(startedAt).toISOString() });
        yield* entryPieces(numbered(entry, 1, startedAt));
      });
      currents.set(endpoint, { name, head: JSON.stringify(head), startedAt });
    } catch (error) {
      await unlink(join(dir, name)).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
  }

  async function create(endpoint: string, at: number): Promise<{ readonly file: FileHandle; readonly name: string }> {
    const time = new Date(at).toISOString().replaceAll(":", "");
    for (;;) {
      const name = `capture-${time}-${endpoint.slice(0, LONGEST_ENDPOINT)}-${process.pid}-${++begun}.jsonl`;
      try {
        return { file: await open(join(dir, name), "wx", 0o600), name };
      } catch (error) {
        // Another host's: in containers all of them may have the same number.
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
  }

  /** All of it, or nothing. */
  async function write(file: FileHandle, name: string, before: number, pieces: () => Iterable<string>): Promise<void> {
    const { size } = await file.stat();
    try {
      await writeFile(file, joined(pieces()));
    } catch (error) {
      await file.truncate(size);
      throw error;
    }
    sizes = new Map(sizes).set(name, { entries: before + 1, bytes: (await file.stat()).size });
  }

  return {
    configure(next) {
      bounds = next;
    },
    look,
    append,
  };
}

function numbered({ at, ...entry }: NewEntry, number: number, startedAt: number): Entry {
  // One that took long was read before one that failed sooner.
  return { ...entry, number, atMs: Math.max(0, at - startedAt) };
}

/** How long its line may become. */
function mostBytesOf({ request, reply = [], failed }: NewEntry): number {
  const frames = [...request, ...reply].reduce((sum, { length }) => sum + 4 * Math.ceil(length / 3) + 3, 0);
  return frames + Buffer.byteLength(JSON.stringify(failed ?? {})) + REST_OF_LINE;
}

/** Names of members, brackets and numbers. */
const REST_OF_LINE = 120;

/** Writes of this length and not of a few characters each. */
const CHUNK_LENGTH = 64 * 1024;

function* joined(pieces: Iterable<string>): Generator<string> {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}

/** Undefined for a file that has gone; what is known of one that has not grown is still so. */
async function sizeOf(path: string, known: Size | undefined): Promise<Size | undefined> {
  const facts = await stat(path).catch(unlessGone);
  if (facts === undefined || facts.size === known?.bytes) return facts && known;
  const lines = await countLines(path).catch(unlessGone);
  return lines === undefined ? undefined : { entries: Math.max(0, lines - 1), bytes: facts.size };
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>)
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}

const LINE_FEED = 0x0a;

/** ELOOP is what the system says of a link that is not to be followed. */
function unlessGoneOrLink(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ELOOP") unlessGone(error);
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
