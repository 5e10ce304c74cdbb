/** A REQ socket has one request under way; the others wait for their turn, in order, within their deadlines. */
import { ZmqEchoError } from "../errors.ts";
import { type Wait, waitFor } from "./wait.ts";

export interface Turns {
  /** Runs `work` when those before it have ended. Rejects with `deadline_exceeded` or `canceled` if that takes too long. */
  take<T>(wait: Wait, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<void> | undefined;
  return {
    take(wait, work) {
      const before = last;
      const mine = before === undefined ? work() : startAfter(before, wait).then(work);
      // Whoever gives up while waiting must not let the next one overtake those before.
      const ended = Promise.allSettled([before, mine]).then(() => {
        if (last === ended) last = undefined;
      });
      last = ended;
      return mine;
    },
  };
}

function startAfter(before: Promise<void>, wait: Wait): Promise<void> {
  const expired = () => new ZmqEchoError("deadline_exceeded", `its turn did not come within ${wait.timeoutMs} ms`);
  return waitFor(wait, expired, (resolve) => void before.then(resolve));
}
