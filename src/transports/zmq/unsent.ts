/**
 * Bytes of large replies that libzmq has not sent yet. It keeps a number of messages for each peer, whatever their size, and tells nobody
 * how many, so a few peers that don't read could take all the memory there is. What tells is the garbage collector: zeromq.js holds on to
 * what it gave to libzmq until that is done with it. That costs too much to be asked as a rule, so it is asked once what
 * lies outside of V8's heap has grown out of all proportion.
 */
import { memoryUsage } from "node:process";
import type { Body } from "../../codecs/codec.ts";
import { collectAll, collectYoung } from "./collect.ts";
import { keyOf } from "./peer.ts";

export interface Unsent {
  /** Counts a large reply that is sent, and gives the frames to send in its place. */
  sending(peer: Uint8Array, frames: Body, bytes: number): Body;
  /** Whether so much has not been sent to the peer yet that it should get no more large ones. */
  isTooMuch(peer: Uint8Array): boolean;
}

/** Of smaller ones libzmq may have as many as it likes. */
export const LARGE_BYTES = 64 * 1024;
const BYTES_PER_PEER = 16 * 1024 * 1024;
/** Of replies, between two looks at what lies outside. */
const BYTES_BETWEEN_LOOKS = 16 * 1024 * 1024;
/** What may lie there: more begins the watch, half of it ends it. */
const MUCH_BYTES = 64 * 1024 * 1024;
const LEAST_MS_BETWEEN_COLLECTIONS = 10;
/** So many times as long as one takes is left to the work itself, however many peers do not read. */
const WORK_PER_COLLECTION = 4;

export function createUnsent(): Unsent {
  /** Of replies that were sent under watch and are still held on to. */
  const peers = new Map<string, number>();
  const done = new FinalizationRegistry<{ readonly peer: string; readonly bytes: number }>(({ peer, bytes }) => {
    const left = (peers.get(peer) ?? 0) - bytes;
    if (left > 0) peers.set(peer, left);
    else peers.delete(peer);
  });
  let isWatching = false;
  let bytesSinceLook = 0;
  let nextCollectionAt = 0;

  function look(): void {
    bytesSinceLook = 0;
    // Most of it may be garbage; to collect that too often does harm.
    isWatching = memoryUsage().external > MUCH_BYTES && collectYoung() && memoryUsage().external > MUCH_BYTES;
  }

  function collect(): void {
    const now = performance.now();
    if (now < nextCollectionAt) return;
    collectAll();
    const over = performance.now();
    nextCollectionAt = over + Math.max(LEAST_MS_BETWEEN_COLLECTIONS, (over - now) * WORK_PER_COLLECTION);
    if (memoryUsage().external > MUCH_BYTES / 2) return;
    isWatching = false;
    peers.clear();
  }

  return {
    sending(id, frames, bytes) {
      if (!isWatching) {
        bytesSinceLook += bytes;
        if (bytesSinceLook > BYTES_BETWEEN_LOOKS) look();
        if (!isWatching) return frames;
      }
      const peer = keyOf(id);
      // A view of our own for each: the handler may keep what it gave, and give it again.
      return frames.map((frame) => {
        if (frame.length < LARGE_BYTES) return frame;
        const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
        peers.set(peer, (peers.get(peer) ?? 0) + frame.length);
        done.register(view, { peer, bytes: frame.length });
        return view;
      });
    },
    isTooMuch(peer) {
      if (!isWatching || (peers.get(keyOf(peer)) ?? 0) < BYTES_PER_PEER) return false;
      collect();
      return isWatching;
    },
  };
}
