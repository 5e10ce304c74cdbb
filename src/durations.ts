/** Milliseconds that a timer can count. */
import { ZmqEchoError } from "./errors.ts";

/** setTimeout counts in a signed 32-bit number, and fires at once beyond it. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The number as it is. Throws `invalid_argument` for what no timer can wait, naming it. */
export function checkMs(ms: number, what: string, least = 1): number {
  if (typeof ms === "number" && ms >= least && ms <= LONGEST_TIMER_MS) return ms;
  throw new ZmqEchoError(
    "invalid_argument",
    `${what} takes ${least} to ${LONGEST_TIMER_MS} milliseconds, not ${String(ms)}`,
  );
}
