/** Calls that failed in passing, made again within their deadlines. */
import { ZmqEchoError } from "../errors.ts";
import { pause, type Wait } from "./wait.ts";

/** The first pause before a retry; it doubles, and half of it is random so that clients do not come back in step. */
const FIRST_BACKOFF_MS = 50;

/** As the first attempt settles, or the next ones do, `retries` at most, as long as they may end otherwise. */
export async function withRetries<T>(
  first: Promise<T>,
  attempt: () => Promise<T>,
  retries: number,
  wait: Wait,
): Promise<T> {
  let last = first;
  for (let tried = 0; ; tried++) {
    try {
      return await last;
    } catch (error) {
      const pauseMs = tried < retries ? pauseBeforeRetry(error, tried) : undefined;
      if (pauseMs === undefined || performance.now() + pauseMs >= wait.expiresAt) throw error;
      await pause(pauseMs, wait, () => error as Error);
      last = attempt();
    }
  }
}

/**
 * Undefined if the same call would fail again. A limit that was reached is one that passes only where the server says
 * when to come back: a message that is too large stays so.
 */
function pauseBeforeRetry(error: unknown, tried: number): number | undefined {
  if (!ZmqEchoError.is(error)) return undefined;
  const { retryAfterMs } = error.details;
  const asked = typeof retryAfterMs === "number" ? retryAfterMs : undefined;
  if (error.code !== "unavailable" && (!error.retryable || asked === undefined)) return undefined;
  return Math.max(asked ?? 0, FIRST_BACKOFF_MS * 2 ** tried * (0.5 + Math.random() / 2));
}
