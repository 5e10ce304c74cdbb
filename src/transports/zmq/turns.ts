/**
 * The calls of batches, begun in turn with each other and with what else waits in the socket, so that who sends many at once
 * does not go before all others.
 */
import type { Router } from "zeromq";
import { WORK_BEFORE_TURN_MS } from "./loop.ts";

export interface Turns {
  /** Takes the calls of a batch. `run` begins one, and gives what is to be waited for before the next. */
  add<Call>(calls: readonly Call[], run: (call: Call) => Promise<void> | undefined): void;
  /** Runs calls until there are none, or a message waits in the socket. */
  take(): Promise<void> | undefined;
}

/** Begins the next call of a batch, and says whether it was the last. */
type Next = () => { readonly over: Promise<void> | undefined; readonly isLast: boolean };

/** With so many batches no message is read before one of them is done. */
const MOST_BATCHES = 16;
/** To look at the socket costs a part of a small call, so after so many. */
const CALLS_BEFORE_LOOK = 8;

export function createTurns(socket: Router): Turns {
  const batches: Next[] = [];

  async function take(): Promise<void> {
    let turnAt = performance.now() + WORK_BEFORE_TURN_MS;
    let begun = 0;
    for (let next = batches.shift(); next !== undefined; next = batches.shift()) {
      const { over, isLast } = next();
      if (!isLast) batches.push(next);
      if (over !== undefined) await over;
      const now = performance.now();
      if (over === undefined && ++begun % CALLS_BEFORE_LOOK > 0 && now < turnAt) continue;
      if (socket.closed || (batches.length < MOST_BATCHES && socket.readable)) return;
      if (now < turnAt) continue;
      await new Promise(setImmediate);
      turnAt = performance.now() + WORK_BEFORE_TURN_MS;
    }
  }

  return {
    add(calls, run) {
      let index = 0;
      batches.push(() => {
        const call = calls[index++];
        return { over: call && run(call), isLast: index >= calls.length };
      });
    },
    take: () => (batches.length > 0 ? take() : undefined),
  };
}
