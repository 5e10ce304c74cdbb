/**
 * Replies that wait because libzmq has no room for more to their peer. Each peer's wait in their order, and are tried again
 * until it takes one; a peer that takes none for some seconds is given up with all that waits for it.
 */
import type { Body } from "../../codecs/codec.ts";
import { bytesOf } from "../../wire/limits.ts";
import { PASSING } from "./loop.ts";
import { keyOf } from "./peer.ts";
import { OVERHEAD_BYTES } from "./turns.ts";

export interface Outbox {
  /** Whether replies to that peer wait, so that the next one must wait behind them. */
  isWaiting(peer: Uint8Array): boolean;
  /** @param replies how many calls it answers */
  add(peer: Uint8Array, frames: Body, replies: number): void;
}

export interface OutboxOptions {
  /** Rejects if there is no room, or nobody. */
  send(peer: Uint8Array, frames: Body): Promise<void>;
  sent(replies: number): void;
  /** @param error what libzmq said last; undefined if there was no room to wait */
  lost(replies: number, error: unknown): void;
  /** Nothing waits for the peer any more. @param error what libzmq said last, if it was given up */
  empty(peer: Uint8Array, error?: unknown): void;
}

/** How long a peer may take nothing. libzmq says that there is room only when half of what it keeps is gone, which takes time over a slow line. */
export const PATIENCE_MS = 5000;
/** A peer that reads makes room at once; for one that does not, ever longer. */
const QUICK_TRIES = 10;
const LONGEST_RETRY_MS = 25;
/** For all peers together. */
export const MOST_WAITING_BYTES = 128 * 1024 * 1024;

interface Waiting {
  readonly frames: Body;
  readonly replies: number;
  readonly bytes: number;
}

interface Line {
  readonly peer: Uint8Array;
  readonly waiting: Waiting[];
  bytes: number;
  movedAt: number;
  /** Without success, since then. */
  tries: number;
}

export function createOutbox({ send, sent, lost, empty }: OutboxOptions): Outbox {
  const lines = new Map<string, Line>();
  let bytesOfAll = 0;

  async function sendTo(line: Line): Promise<void> {
    for (let first = line.waiting[0]; first !== undefined; first = line.waiting[0]) {
      try {
        await send(line.peer, first.frames);
      } catch (error) {
        const isFull = PASSING.has((error as NodeJS.ErrnoException).code ?? "");
        if (isFull && performance.now() - line.movedAt < PATIENCE_MS) {
          tryAgain(line);
          return;
        }
        while (line.waiting.length > 0) lost(takeLast(line), error);
        end(line, error);
        return;
      }
      line.waiting.shift();
      count(line, -first.bytes);
      line.movedAt = performance.now();
      line.tries = 0;
      sent(first.replies);
    }
    end(line);
  }

  function tryAgain(line: Line): void {
    const quick = ++line.tries <= QUICK_TRIES;
    if (quick) setImmediate(sendTo, line);
    else setTimeout(sendTo, Math.min(LONGEST_RETRY_MS, line.tries - QUICK_TRIES), line);
  }

  function end(line: Line, error?: unknown): void {
    lines.delete(keyOf(line.peer));
    empty(line.peer, error);
  }

  function takeLast(line: Line): number {
    const last = line.waiting.pop();
    count(line, -(last?.bytes ?? 0));
    return last?.replies ?? 0;
  }

  function count(line: Line, bytes: number): void {
    line.bytes += bytes;
    bytesOfAll += bytes;
  }

  /** At the cost of whoever has more waiting; one reply may wait in any case. */
  function makeRoom(bytes: number, mine: Line): boolean {
    while (bytesOfAll > 0 && bytesOfAll + bytes > MOST_WAITING_BYTES) {
      let most = mine;
      for (const line of lines.values()) if (line.bytes > most.bytes && line.waiting.length > 1) most = line;
      if (most.bytes <= mine.bytes + bytes) return mine.waiting.length === 0;
      lost(takeLast(most), undefined);
    }
    return true;
  }

  return {
    isWaiting: (peer) => lines.size > 0 && lines.has(keyOf(peer)),
    add(peer, frames, replies) {
      const known = lines.get(keyOf(peer));
      const line = known ?? { peer, waiting: [], bytes: 0, movedAt: performance.now(), tries: 0 };
      const bytes = bytesOf(frames) + OVERHEAD_BYTES;
      if (!makeRoom(bytes, line)) {
        lost(replies, undefined);
        return;
      }
      line.waiting.push({ frames, replies, bytes });
      count(line, bytes);
      if (known !== undefined) return;
      lines.set(keyOf(peer), line);
      tryAgain(line);
    },
  };
}
