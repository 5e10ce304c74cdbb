/**
 * Frees requests that have been answered before V8 does it the dear way. What a message holds is outside of V8's heap, and
 * zeromq.js and V8 both count it. A request leaves little in the heap itself, so collections of young objects, which
 * would free it, come seldom: what is outside has passed a limit before, and V8 marks all of the heap.
 *
 * Two things help, and only together with large messages. A collection of young objects after so many bytes takes a
 * fraction of a millisecond. And in a heap of more than 8 MiB, which every host has, V8 also marks if what is
 * outside does not fit between the heap's size and its limit: 8 MiB, with 12 in use, and less than what is under way.
 *
 * A bare loop of zeromq.js would gain by the first one too.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** zeromq.js copies a frame of no more into V8's own memory. */
const COPIED_BYTES = 128;
/** More often harms: what is still being sent grows old by it. */
const BYTES_BETWEEN = 16 * 1024 * 1024;
/** V8's own limit of what is outside (`kExternalAllocationSoftLimit`), which alone counts in heaps of less than 8 MiB (`kV8ActivationThreshold`). */
const ROOM_BYTES = 64 * 1024 * 1024;
/** How far V8 lets a heap grow by itself, in percent. One so large that this is enough is left alone. */
const MOST_GROWTH = 300;

let collectYoung: (() => void) | undefined;
let received = 0;
let growth = 0;

/**
 * Begins to do so, for all sockets, once large messages come; until then nothing is changed. For a process of our own: V8's flags
 * count for all of its threads.
 */
export function collectEarly(): void {
  collectYoung ??= () => {
    const collect = collector();
    collectYoung = () => {
      collect();
      makeRoom();
    };
    collectYoung();
  };
}

/** Counts a message that was read, and collects if it is time: the ones before it have been answered, as a rule. */
export function noteReceived(frames: readonly Uint8Array[]): void {
  if (collectYoung === undefined) return;
  for (const { length } of frames) if (length > COPIED_BYTES) received += length;
  if (received < BYTES_BETWEEN) return;
  received = 0;
  collectYoung();
}

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  return typeof collect === "function" ? () => void collect({ type: "minor" }) : () => {};
}

/** In steps, since the heap's size is never quite the same. */
function makeRoom(): void {
  const percent = Math.round(ROOM_BYTES / getHeapStatistics().used_heap_size) * 100;
  const wanted = percent > MOST_GROWTH ? percent : 0;
  if (wanted === growth) return;
  growth = wanted;
  setFlagsFromString(`--heap-growing-percent=${growth}`);
}
