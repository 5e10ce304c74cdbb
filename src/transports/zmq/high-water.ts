/**
 * How many messages libzmq keeps for a peer, so that their bytes are bounded. It counts messages, 1000 for each peer and
 * direction, whatever their size: of 4 MiB each that is all the memory there is, for one peer that does not read. So the
 * count falls for all peers of a socket as soon as large messages are seen, and rises again when none came for a while.
 */
import type { Router } from "zeromq";

/** What libzmq may keep for a peer in a direction, as far as a count of messages of the size last seen can tell. */
export const BYTES_PER_PEER = 16 * 1024 * 1024;
/** libzmq's default. */
const MOST_MESSAGES = 1000;
/** Nothing is read while a handler runs, so the first large message would be seen too late. */
const MOST_IN_LOCK_STEP = 16;
const FEWEST_MESSAGES = 2;
/** Smaller ones leave the count as it is. */
const LARGE_BYTES = BYTES_PER_PEER / MOST_MESSAGES;
const CALM_MS = 10_000;
/** Peers that are remembered; what is forgotten is only set once more. */
const MOST_PEERS = 10_000;

export interface HighWater {
  /** A message of so many bytes was read. */
  received(bytes: number, peer: Uint8Array): void;
  /** One will be sent. */
  sending(bytes: number, peer: Uint8Array): void;
}

/** @param socket not bound yet: what it is bound with counts for all who connect later */
export function createHighWater(socket: Router, lockStep: boolean): HighWater {
  if (lockStep) socket.receiveHighWaterMark = MOST_IN_LOCK_STEP;
  return {
    received: createMark(lockStep ? MOST_IN_LOCK_STEP : MOST_MESSAGES, (count) => {
      if (!socket.closed) socket.receiveHighWaterMark = count;
    }),
    sending: createMark(MOST_MESSAGES, (count) => {
      if (!socket.closed) socket.sendHighWaterMark = count;
    }),
  };
}

/** @param set sets the count of the peers there are; those who connect later begin with `most` */
function createMark(most: number, set: (count: number) => void): HighWater["received"] {
  let count = most;
  /** Bytes of the largest message since the count was last looked at. */
  let largest = 0;
  let isWatched = false;
  /** Those of large messages who have the count. */
  const peers = new Set<string>();

  function change(next: number): void {
    count = next;
    peers.clear();
    set(count);
    if (count === most || isWatched) return;
    isWatched = true;
    setTimeout(lookAgain, CALM_MS).unref();
  }

  function lookAgain(): void {
    isWatched = false;
    const next = countFor(largest, most);
    largest = 0;
    change(next);
  }

  return (bytes, peer) => {
    if (bytes < LARGE_BYTES) return;
    largest = Math.max(largest, bytes);
    const key = Buffer.from(peer).toString("latin1");
    const next = Math.min(count, countFor(bytes, most));
    if (next < count || peers.size >= MOST_PEERS) change(next);
    else if (next === most || peers.has(key)) return;
    else set(count);
    peers.add(key);
  };
}

function countFor(bytes: number, most: number): number {
  return Math.max(FEWEST_MESSAGES, Math.min(most, Math.floor(BYTES_PER_PEER / Math.max(bytes, 1))));
}
