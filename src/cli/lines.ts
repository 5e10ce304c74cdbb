/** Lines on standard output for a command that must not wait for its reader. */

export interface Lines {
  print(line: string): void;
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
      if (stdout.writableLength > MOST_WAITING) lost++;
      else stdout.write(`${line}\n`);
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
