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
 *
 * And when large messages have passed and no more come, nothing makes V8 collect what they left, however much it is: what a peer
 * left untaken stays for hours after it has gone. So the whole heap is collected now and then, until little is left.
 */
import { memoryUsage } from "node:process";
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

/** Smaller ones make V8 collect before much is left. */
const LARGE_BYTES = 16 * 1024;
/** Once no large message has come or gone for so long. */
const CALM_MS = 2000;
/** Less than this is left where it is. */
const LITTLE_BYTES = 16 * 1024 * 1024;
/** What is left then belongs to somebody, most likely, so it is looked at ever less often: after this part of the time since. */
const PART_OF_CALM = 4;
const LONGEST_CALM_MS = 60_000;

let collector: Collector | undefined;
let received = 0;
let growth = 0;
/** Bytes that have passed since all was collected. */
let passed = 0;
let passedAt = 0;
let isWatched = false;

interface Collector {
  young(): void;
  all(): void;
}

/**
 * Begins to do so, for all sockets, once large messages come; until then nothing is changed. For a process of our own: V8's flags
 * count for all of its threads.
 */
export function collectEarly(): void {
  collector ??= {
    young() {
      collector = createCollector();
      collector.young();
    },
    all() {
      collector = createCollector();
      collector.all();
    },
  };
}

/** Counts a message that was read, and collects if it is time: the ones before it have been answered, as a rule. */
export function noteReceived(frames: readonly Uint8Array[]): void {
  if (collector === undefined) return;
  let bytes = 0;
  for (const { length } of frames) if (length > COPIED_BYTES) bytes += length;
  if (bytes === 0) return;
  note(bytes);
  received += bytes;
  if (received < BYTES_BETWEEN) return;
  received = 0;
  collector.young();
}

/** Counts a message that will be sent. */
export function noteSent(bytes: number): void {
  if (collector !== undefined) note(bytes);
}

/** False if this process may not, since nobody asked for it. */
export function collectYoung(): boolean {
  collector?.young();
  return collector !== undefined;
}

export function collectAll(): void {
  collector?.all();
}

function note(bytes: number): void {
  if (bytes < LARGE_BYTES) return;
  passed += bytes;
  if (passed < LITTLE_BYTES) return;
  passedAt = performance.now();
  if (isWatched) return;
  isWatched = true;
  setTimeout(lookForCalm, CALM_MS).unref();
}

function lookForCalm(): void {
  const calmMs = performance.now() - passedAt;
  if (calmMs >= CALM_MS) {
    collector?.all();
    passed = 0;
    isWatched = memoryUsage().external > LITTLE_BYTES;
  }
  if (isWatched) setTimeout(lookForCalm, Math.min(LONGEST_CALM_MS, Math.max(CALM_MS, calmMs / PART_OF_CALM))).unref();
}

function createCollector(): Collector {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect !== "function") return { young() {}, all() {} };
  reserve();
  collect();
  return {
    young() {
      collect({ type: "minor" });
      makeRoom();
    },
    all: () => void collect(),
  };
}

/** Below what glibc maps by itself (128 KiB), and too small for large messages. */
const PIECE_BYTES = 120 * 1024;
const PIECES = 256;
/** Between two pieces, so that they don't become one when they are free. */
const BETWEEN_BYTES = 1024;
const between: ArrayBuffer[] = [];

/**
 * Makes room for what is small below what will be large. glibc gives memory back from the end of its heap only; one small thing
 * that V8 keeps, put there while messages filled the rest, would hold all of that for good. What is reserved is not touched, and
 * takes no memory.
 */
function reserve(): void {
  for (let piece = 0; piece < PIECES; piece++) {
    void new ArrayBuffer(PIECE_BYTES);
    between.push(new ArrayBuffer(BETWEEN_BYTES));
  }
}

/** In steps, since the heap's size is never quite the same. */
function makeRoom(): void {
  const percent = Math.round(ROOM_BYTES / getHeapStatistics().used_heap_size) * 100;
  const wanted = percent > MOST_GROWTH ? percent : 0;
  if (wanted === growth) return;
  growth = wanted;
  setFlagsFromString(`--heap-growing-percent=${growth}`);
}
