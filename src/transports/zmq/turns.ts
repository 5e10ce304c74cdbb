/**
 * Calls of batches, begun in turn: between peers, and with what else waits in the socket, so that who sends many at once does not
 * go before all others. The calls of one peer keep their order, whether they came in batches or not.
 */
import type { Router } from "zeromq";
import { LinkedList } from "../../linked-list.ts";
import { WORK_BEFORE_TURN_MS } from "./loop.ts";

/** Begins a call, and gives what is to be waited for before the next. */
export type Begin = () => Promise<void> | undefined;

export interface Turns {
  /** Whether calls of a peer wait, so that its next ones must wait behind them. */
  isWaiting(peer: Uint8Array): boolean;
  /** False if the peer has too many waiting already: then it takes none of these. */
  add(peer: Uint8Array, calls: readonly Begin[]): boolean;
  /** Begins calls until there are none, or a message waits in the socket. */
  take(): Promise<void> | undefined;
}

/** The calls of one peer. */
interface Line {
  readonly peer: Uint8Array;
  /** From the last that came to the next. */
  calls: Begin[];
}

/** As many as libzmq keeps of messages for a peer. */
export const MOST_WAITING = 1000;
/** To look at the socket costs a part of a small call, so after so many. */
const CALLS_BEFORE_LOOK = 8;

export function createTurns(socket: Router): Turns {
  /** In the order of their turns. Few as a rule, so a search among them is quick. */
  const lines = new LinkedList<Line>();

  function lineOf(peer: Uint8Array): Line | undefined {
    for (let node = lines.first; node !== undefined; node = node.after)
      if (Buffer.compare(node.item.peer, peer) === 0) return node.item;
    return undefined;
  }

  async function take(): Promise<void> {
    let turnAt = performance.now() + WORK_BEFORE_TURN_MS;
    let begun = 0;
    for (let node = lines.first; node !== undefined; node = lines.first) {
      const line = node.item;
      const begin = line.calls.pop();
      if (line.calls.length === 0 || lines.size > 1) lines.remove(node);
      if (line.calls.length > 0 && !node.isListed) lines.append(line);
      const over = begin?.();
      if (over !== undefined) await over;
      const now = performance.now();
      if (over === undefined && ++begun % CALLS_BEFORE_LOOK > 0 && now < turnAt) continue;
      if (socket.closed || socket.readable) return;
      if (now < turnAt) continue;
      await new Promise(setImmediate);
      turnAt = performance.now() + WORK_BEFORE_TURN_MS;
    }
  }

  return {
    isWaiting: (peer) => lines.size > 0 && lineOf(peer) !== undefined,
    add(peer, calls) {
      const line = lineOf(peer);
      if (line === undefined) {
        lines.append({ peer, calls: [...calls].reverse() });
        return true;
      }
      if (line.calls.length + calls.length > MOST_WAITING) return false;
      line.calls = [...calls].reverse().concat(line.calls);
      return true;
    },
    take: () => (lines.size > 0 ? take() : undefined),
  };
}
