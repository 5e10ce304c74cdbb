/**
 * In lock-step one call runs after the other, those of a batch too. Between them comes what else waits in the socket, a
 * message for each call, so that who sends many at once does not go before all others.
 */
import type { Router } from "zeromq";

export interface Turns {
  /** Takes the calls of a batch: each is run in its turn, and is over when what it returns has settled. */
  add(calls: readonly (() => Promise<void> | undefined)[]): void;
  /** Runs calls until there are none, or a message waits in the socket. */
  take(): Promise<void> | undefined;
}

/** With so many batches no message is read before one of them is done. */
const MOST_BATCHES = 16;
/** Calls that need no waiting are quick, so the socket is looked at no oftener than this. */
const LOOK_MS = 1;

export function createTurns(socket: Router): Turns {
  /** Each from its last call to its next. */
  const batches: (() => Promise<void> | undefined)[][] = [];

  async function take(): Promise<void> {
    let lookAt = performance.now() + LOOK_MS;
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const over = batch.pop()?.();
      if (batch.length > 0) batches.push(batch);
      if (over !== undefined) await over;
      else if (performance.now() < lookAt) continue;
      if (socket.closed || (batches.length < MOST_BATCHES && socket.readable)) return;
      lookAt = performance.now() + LOOK_MS;
    }
  }

  return {
    add: (calls) => void batches.push([...calls].reverse()),
    take: () => (batches.length > 0 ? take() : undefined),
  };
}
