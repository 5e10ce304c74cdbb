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

/** The number as it is. Throws `invalid_argument` for what is no count from 1 to `most`, naming it. */
export function checkCount(count: number, what: string, most: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new ZmqEchoError("invalid_argument", `${what} takes a whole number from 1 to ${most}, not ${String(count)}`);
}

/** Whether a promise settled within the time; it rejects as the promise does. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(ms, LONGEST_TIMER_MS));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
