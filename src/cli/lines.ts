/** Lines on standard output for a command that must not wait for its reader. */

export interface Lines {
  /** Kept until `flushLines`. */
  print(line: string): void;
  flushLines(): void;
  /** Resolves when all of it is taken, or when the time is over. */
  flush(withinMs: number): Promise<void>;
  /** Lines that were not printed, since too many waited. */
  lost(): number;
}

/** Characters that may wait for a reader. */
const MOST_WAITING = 16 * 1024 * 1024;

/** @param onClosed called once, when nobody reads any more */
export function createLines(onClosed: () => void): Lines {
  const { stdout } = process;
  let isClosed = false;
  let kept = "";
  let lost = 0;
  stdout.once("error", () => {
    isClosed = true;
    onClosed();
  });
  // A terminal that is stopped by Ctrl-S would stop the process; Node offers no other way to ask for this.
  const { _handle: handle } = stdout as { _handle?: { setBlocking?(on: boolean): void } };
  if (stdout.isTTY) handle?.setBlocking?.(false);
  return {
    print(line) {
      if (isClosed) return;
      if (stdout.writableLength + kept.length > MOST_WAITING) lost++;
      else kept += `${line}\n`;
    },
    flushLines() {
      if (kept !== "" && !isClosed) stdout.write(kept);
      kept = "";
    },
    flush(withinMs) {
      if (isClosed || stdout.writableLength === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        stdout.write("", () => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
    lost: () => lost,
  };
}

/** Work that may wait, in pieces and in bytes, before it is done at once; and how long it does. */
const MOST_WORK = 1000;
const MOST_BYTES = 4 * 1024 * 1024;
const PAUSE_MS = 10;

export interface Later {
  /** @param bytes that it keeps in memory */
  add(work: () => void, bytes: number): void;
  /** Undefined while there is not too much of it. */
  behind(): Promise<void> | undefined;
  /** Does all of it now. */
  empty(): void;
}

/** Work for a little later, in order. @param done called after each batch */
export function createLater(done: () => void): Later {
  let waiting: (() => void)[] = [];
  let kept = 0;
  let timer: NodeJS.Timeout | undefined;
  function empty(): void {
    clearTimeout(timer);
    timer = undefined;
    const now = waiting;
    waiting = [];
    kept = 0;
    for (const work of now) work();
    done();
  }
  return {
    add(work, bytes) {
      waiting.push(work);
      kept += bytes;
      timer ??= setTimeout(empty, PAUSE_MS);
    },
    behind() {
      if (waiting.length <= MOST_WORK && kept <= MOST_BYTES) return undefined;
      empty();
      return new Promise(setImmediate);
    },
    empty,
  };
}
