/** So many calls are under way at once; the others wait for a place, in order, within their deadlines. */
import { ZmqEchoError } from "../errors.ts";
import { type Wait, waitFor } from "./wait.ts";

export interface Places {
  /** Runs `work` when there is a place for it. Rejects with `deadline_exceeded` or `canceled` if that takes too long. */
  take<T>(wait: Wait, work: () => Promise<T>): Promise<T>;
}

export function createPlaces(count: number): Places {
  let free = count;
  const waiting = new Set<() => void>();

  function leave(): void {
    const [next] = waiting;
    if (next === undefined) {
      free++;
      return;
    }
    waiting.delete(next);
    next();
  }

  async function enter(wait: Wait): Promise<void> {
    if (free > 0) {
      free--;
      return;
    }
    const expired = () => new ZmqEchoError("deadline_exceeded", `its turn did not come within ${wait.timeoutMs} ms`);
    await waitFor<void>(wait, expired, (resolve) => {
      waiting.add(resolve);
      return () => waiting.delete(resolve);
    });
  }

  return {
    async take(wait, work) {
      await enter(wait);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
