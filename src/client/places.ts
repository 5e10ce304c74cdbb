/** So many calls are under way at once; the others wait for a place, in order, within their deadlines. */
import { ZmqEchoError } from "../errors.ts";
import { LinkedList } from "../linked-list.ts";
import { type Wait, type Waiting, waitFor } from "./wait.ts";

export interface Places {
  /**
   * Takes a place, at once if one is free and else when its turn comes. Rejects with `deadline_exceeded` or `canceled` if that
   * takes too long.
   */
  enter(wait: Wait): Promise<void> | undefined;
  /** Gives the place to the next. */
  leave(): void;
  taken(): number;
}

export function createPlaces(count: number): Places {
  let free = count;
  const queue = new LinkedList<Waiting<void>>();

  return {
    enter(wait) {
      if (free > 0) {
        free--;
        return undefined;
      }
      const expired = () => new ZmqEchoError("deadline_exceeded", `its turn did not come within ${wait.timeoutMs} ms`);
      return waitFor<void>(wait, expired, (waiting) => {
        const place = queue.append(waiting);
        return () => queue.remove(place);
      });
    },
    leave() {
      if (queue.first === undefined) free++;
      else queue.first.item.resolve();
    },
    taken: () => count - free,
  };
}
