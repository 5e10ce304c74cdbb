/** How long the start of a worker may take, step by step. */
import { DEFAULTS } from "../../config/defaults.ts";

/** What is late says so itself, unless it loops; then it is ended from outside this much later. */
const GRACE_MS = 500;

export interface StartLimit {
  /** The plugin's code begins to run. */
  running(): void;
  /** It has run, and `setup` begins. */
  loaded(): void;
  /** The start has ended, well or not. */
  done(): void;
}

/** Calls `tooLate` once with what took too long. It starts to count at once. */
export function limitStart(
  {
    loadMs = DEFAULTS.setupTimeoutMs,
    setupMs = 0,
  }: { readonly loadMs?: number | undefined; readonly setupMs?: number },
  tooLate: (text: string) => void,
): StartLimit {
  let timer: NodeJS.Timeout | undefined;
  function allow(ms: number, text: string): void {
    clearTimeout(timer);
    timer = setTimeout(() => tooLate(text), ms + GRACE_MS);
  }
  allow(DEFAULTS.setupTimeoutMs, `the worker did not start within ${DEFAULTS.setupTimeoutMs} ms`);
  return {
    running: () => allow(loadMs, `loading it took over ${loadMs} ms; is there a loop that never ends?`),
    loaded: () => allow(setupMs, `setup took over ${setupMs} ms; is there a loop that never ends?`),
    done: () => clearTimeout(timer),
  };
}
