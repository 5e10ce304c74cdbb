/** Writes a recording while it happens. The traffic waits for the disk before memory fills, and outlives its failure. */
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { type Entry, entryLine, type Header, headerLine } from "./format.ts";

export interface Recorder {
  write(entry: Entry): void;
  /** Undefined while the disk keeps up. */
  behind(): Promise<void> | undefined;
  /** Resolves when all of it is written, or can't be. */
  end(): Promise<void>;
}

/** What may wait for the disk, in bytes. */
const MOST_WAITING = 64 * 1024 * 1024;

/**
 * A new file; a device or a pipe may be there already. Rejects with the system's error, `EEXIST` for a file.
 * @param onFailed called once, with what the system says; what comes afterwards is not written
 */
export async function createRecorder(
  file: string,
  header: Header,
  onFailed: (error: Error) => void,
): Promise<Recorder> {
  const facts = await stat(file).catch(() => undefined);
  const handle = await open(file, facts === undefined || facts.isFile() ? "wx" : "w");
  const stream: WriteStream = createWriteStream(file, { fd: handle, highWaterMark: MOST_WAITING });
  let failed = false;
  stream.on("error", (error) => {
    if (!failed) onFailed(error);
    failed = true;
  });
  let waiting: Promise<void> | undefined;
  const write = (line: string): void => {
    if (failed || stream.write(line) || waiting !== undefined) return;
    const ended = new AbortController();
    const { signal } = ended;
    const either = [once(stream, "drain", { signal }), once(stream, "close", { signal })];
    waiting = Promise.race(either).then(
      () => {
        waiting = undefined;
        ended.abort();
      },
      () => {
        waiting = undefined;
      },
    );
    for (const promise of either) promise.catch(() => undefined);
  };
  write(headerLine(header));
  return {
    write: (entry) => write(entryLine(entry)),
    behind: () => waiting,
    async end() {
      if (stream.closed || stream.destroyed) return;
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      stream.end();
      await closed;
    },
  };
}
