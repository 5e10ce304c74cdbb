/** A window of a terminal that one command has for itself, and gives back as it was, however it ends. */
import { writeSync } from "node:fs";
import type { Line, Window } from "./top-text.ts";

export interface Screen {
  window(): Window;
  /** Replaces all that is shown. Dropped if the terminal has not taken what was drawn before. */
  draw(lines: readonly Line[]): void;
  close(): void;
}

export interface ScreenOptions {
  /** One character, or the sequence of a key that has none. Not called for those that end the program. */
  readonly onKey: (key: string) => void;
  /** Somebody wants it to end: `q`, or Ctrl-C. */
  readonly onQuit: () => void;
  /** The window has another size, or is to be drawn again. */
  readonly onResize: () => void;
}

// ECMA-48, and xterm's private modes: the alternate screen, the cursor, and the wrapping of lines that are too long.
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[2K";
const CLEAR_REST = "\x1b[J";
const LOOKS = { heading: "\x1b[7m", alarm: "\x1b[31m" } as const;
const PLAIN = "\x1b[m";

const CTRL_C = "\x03";
const CTRL_Z = "\x1a";

/** Whether standard output is a terminal on which something can be drawn. */
export function canDraw(): boolean {
  return process.stdout.isTTY === true && process.env.TERM !== "dumb";
}

/** A signal takes a moment; the time is over when somebody goes on with the process. */
const STOPPED_WITHIN_MS = 50;

export function openScreen({ onKey, onQuit, onResize }: ScreenOptions): Screen {
  const { stdin, stdout } = process;
  const hasKeys = stdin.isTTY === true;
  const hasColor = !process.env.NO_COLOR;
  let isOpen = false;
  let isClosed = false;

  function enter(): void {
    if (isClosed) return;
    isOpen = true;
    if (hasKeys) stdin.setRawMode(true);
    stdout.write(ENTER);
  }

  /** At once, since nothing may come after it: the process may be about to end. */
  function leave(): void {
    if (!isOpen) return;
    isOpen = false;
    try {
      if (hasKeys) stdin.setRawMode(false);
      writeSync(stdout.fd, LEAVE);
    } catch {
      // The terminal has gone.
    }
  }

  function hear(chunk: Buffer): void {
    const key = chunk.toString();
    if (key === "q" || key === "Q" || key.includes(CTRL_C)) onQuit();
    else if (key === CTRL_Z) stop();
    else onKey(key);
  }

  /** Raw mode takes Ctrl-Z from the shell, so it is done here, for all that the shell waits for. Where no shell could go on with it, it goes on at once. */
  function stop(): void {
    leave();
    setTimeout(() => {
      enter();
      onResize();
    }, STOPPED_WITHIN_MS);
    process.kill(0, "SIGTSTP");
  }

  process.on("exit", leave);
  stdout.on("resize", onResize);
  if (hasKeys) stdin.on("data", hear);
  enter();
  return {
    window: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    draw(lines) {
      if (!isOpen || stdout.writableNeedDrain) return;
      const texts = lines.map(({ text, look }) => {
        // Before the text, since behind it the cursor may stand on its last character.
        return CLEAR_LINE + (look !== undefined && hasColor ? `${LOOKS[look]}${text}${PLAIN}` : text);
      });
      const isFull = lines.length >= (stdout.rows || Number.POSITIVE_INFINITY);
      stdout.write(HOME + texts.join("\r\n") + (isFull ? "" : `\r\n${CLEAR_REST}`));
    },
    close() {
      leave();
      isClosed = true;
      process.off("exit", leave);
      stdout.off("resize", onResize);
      stdin.off("data", hear);
      if (hasKeys) stdin.pause();
    },
  };
}
