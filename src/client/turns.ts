/** A REQ socket has one request under way; the others wait for their turn, in order, within their deadlines. */
import { ZmqEchoError } from "../errors.ts";
import type { Exchange } from "./req.ts";

export interface Turns {
  /** Runs `work` when those before it have ended. Rejects with `deadline_exceeded` or `canceled` if that takes too long. */
  take<T>(waiting: Exchange, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<unknown> | undefined;
  return {
    take(waiting, work) {
      const mine = last === undefined ? work() : startAfter(last, waiting).then(work);
      // Whoever gives up while waiting must not let the next one overtake those before.
      const ended: Promise<unknown> = Promise.allSettled([last, mine]).then(() => {
        if (last === ended) last = undefined;
      });
      last = ended;
      return mine;
    },
  };
}

function startAfter(before: Promise<unknown>, { expiresAt, timeoutMs, signal }: Exchange): Promise<void> {
  return new Promise((resolve, reject) => {
    const canceled = (): void => settle(() => reject(new ZmqEchoError("canceled", "the call was canceled")));
    const expired = (): void =>
      settle(() => reject(new ZmqEchoError("deadline_exceeded", `its turn did not come within ${timeoutMs} ms`)));
    const timer = setTimeout(expired, Math.max(0, expiresAt - performance.now()));
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", canceled);
      end();
    };
    if (signal?.aborted) return canceled();
    signal?.addEventListener("abort", canceled, { once: true });
    void before.then(() => settle(resolve));
  });
}
