/**
 * Calls that are not begun when they are read: those of batches, and those of peers that have not taken their replies yet. They
 * are begun in turn, between peers and with what else waits in the socket, so that who sends many at once does not go before all
 * others. The calls of one peer keep their order, whether they came in batches or not.
 */
import type { Router } from "zeromq";
import { LinkedList, type Node } from "../../linked-list.ts";
import { WORK_BEFORE_TURN_MS } from "./loop.ts";
import { keyOf } from "./peer.ts";

/** Begins a call, and gives what is to be waited for before the next. */
export type Begin = () => Promise<void> | undefined;

export interface Turns {
  readonly isEmpty: boolean;
  /** Whether there is one that may be begun. */
  isReady(): boolean;
  /** Whether calls of a peer wait, so that its next ones must wait behind them. */
  isWaiting(peer: Uint8Array): boolean;
  /** False if too many wait already: then it takes none of these. */
  add(peer: Uint8Array, calls: readonly Begin[], bytes: number): boolean;
  /**
   * Begins calls until there are none, or a message waits in the socket.
   * @param isReading if so it begins a few, and asks the socket nothing
   */
  take(isReading: boolean): Promise<void> | undefined;
  /** The calls of a peer may be begun again. */
  wake(peer: Uint8Array): void;
  /** Gives up all calls of a peer, and says how many they were. */
  giveUp(peer: Uint8Array): number;
}

/** The calls of one peer. */
interface Line {
  readonly peer: Uint8Array;
  /** From the last that came to the next. */
  calls: Waiting[];
}

interface Waiting {
  readonly begin: Begin;
  /** Its share of what came with it. */
  readonly bytes: number;
}

/** As many as libzmq keeps of messages for a peer. */
export const MOST_WAITING = 1000;
/** For all peers together; beyond it each may still have a little, so that none can shut out the others. */
const MOST_WAITING_BYTES = 128 * 1024 * 1024;
const LITTLE_BYTES = 1024 * 1024;
/** What a call takes beside its body. */
export const OVERHEAD_BYTES = 512;
/** To look at the socket costs a part of a small call, so after so many. */
const CALLS_BEFORE_LOOK = 8;

/** @param mayGo whether the calls of that peer may be begun now; once it has said no, {@link Turns.wake} says when */
export function createTurns(socket: Router, mayGo: (peer: Uint8Array) => boolean): Turns {
  /** In the order of their turns. Few as a rule, so a search among them is quick. */
  const lines = new LinkedList<Line>();
  /** Those that may not go, which can be many and stay for seconds. */
  const held = new Map<string, Line>();
  let bytesOfAll = 0;

  function nodeOf(peer: Uint8Array): Node<Line> | undefined {
    for (let node = lines.first; node !== undefined; node = node.after)
      if (Buffer.compare(node.item.peer, peer) === 0) return node;
    return undefined;
  }

  function lineOf(peer: Uint8Array): Line | undefined {
    return (held.size > 0 ? held.get(keyOf(peer)) : undefined) ?? nodeOf(peer)?.item;
  }

  function bytesOf(line: Line | undefined): number {
    return line?.calls.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  }

  function next(): Node<Line> | undefined {
    for (let node = lines.first; node !== undefined; node = lines.first) {
      const line = node.item;
      if (mayGo(line.peer)) return node;
      lines.remove(node);
      held.set(keyOf(line.peer), line);
    }
    return undefined;
  }

  async function take(isReading: boolean): Promise<void> {
    let turnAt = performance.now() + WORK_BEFORE_TURN_MS;
    let begun = 0;
    for (let node = next(); node !== undefined; node = next()) {
      const line = node.item;
      const call = line.calls.pop();
      if (line.calls.length === 0 || lines.size > 1) lines.remove(node);
      if (line.calls.length > 0 && !node.isListed) lines.append(line);
      bytesOfAll -= call?.bytes ?? 0;
      const over = call?.begin();
      // In any case: only afterwards is it known whether its reply found room, and what comes next may not pass it.
      await over;
      const now = performance.now();
      if (over === undefined && ++begun % CALLS_BEFORE_LOOK > 0 && now < turnAt) continue;
      if (isReading || socket.closed || socket.readable) return;
      if (now < turnAt) continue;
      await new Promise(setImmediate);
      turnAt = performance.now() + WORK_BEFORE_TURN_MS;
    }
  }

  return {
    get isEmpty() {
      return lines.size === 0 && held.size === 0;
    },
    isReady: () => next() !== undefined,
    isWaiting: (peer) => lineOf(peer) !== undefined,
    add(peer, calls, bytes) {
      const line = lineOf(peer);
      if (line !== undefined && line.calls.length + calls.length > MOST_WAITING) return false;
      const share = Math.ceil(bytes / calls.length) + OVERHEAD_BYTES;
      const isFull = bytesOfAll > 0 && bytesOfAll + share * calls.length > MOST_WAITING_BYTES;
      if (isFull && bytesOf(line) + share * calls.length > LITTLE_BYTES) return false;
      bytesOfAll += share * calls.length;
      const added = calls.map((begin) => ({ begin, bytes: share })).reverse();
      if (line === undefined) lines.append({ peer, calls: added });
      else line.calls = added.concat(line.calls);
      return true;
    },
    take: (isReading) => (next() === undefined ? undefined : take(isReading)),
    wake(peer) {
      const line = held.get(keyOf(peer));
      if (line === undefined) return;
      held.delete(keyOf(peer));
      lines.append(line);
    },
    giveUp(peer) {
      const line = lineOf(peer);
      if (line === undefined) return 0;
      const node = nodeOf(peer);
      if (node === undefined) held.delete(keyOf(peer));
      else lines.remove(node);
      bytesOfAll -= bytesOf(line);
      return line.calls.length;
    },
  };
}
