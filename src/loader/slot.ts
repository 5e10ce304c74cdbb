/** What a handler's name stands for: the version that answers now, and the places for its calls, over all endpoints. */
import { createCallCounter } from "../counts.ts";
import type { Runner, WorkerCounts } from "../runtime/runner.ts";

/** One version of a handler. Calls that began on it end on it, whatever comes after. */
export interface HandlerVersion {
  readonly runner: Runner;
  /** The beginning of its bundle's hash; undefined for a handler that is given in code. */
  readonly id?: string | undefined;
  running: number;
  /** Set when it has been replaced: called when its last call has ended. */
  onIdle?: () => void;
}

export class HandlerSlot {
  readonly name: string;
  readonly counter = createCallCounter();
  /** Undefined while there is none that works. */
  version: HandlerVersion | undefined;
  /** How many calls run at once. */
  concurrency = Number.POSITIVE_INFINITY;
  running = 0;
  /** Versions before this one that end their calls, or tear down. */
  readonly leaving = new Set<HandlerVersion>();
  /** Workers that versions which are gone have lost. */
  #lostWorkers = 0;
  /** Endpoints where a call waits for a place here, in the order in which they get a turn. */
  readonly #waiting = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  /** Says that a version which was leaving is gone. */
  left(version: HandlerVersion): void {
    this.leaving.delete(version);
    this.#lostWorkers += version.runner.workers?.lost() ?? 0;
  }

  /** How many workers live, and how many were lost so far; undefined if it runs in none. */
  workers(): { readonly live: number; readonly lost: number } | undefined {
    const counts = [this.version, ...this.leaving].flatMap((version) => version?.runner.workers ?? []);
    if (counts.length === 0 && this.#lostWorkers === 0) return undefined;
    const sum = (count: (each: WorkerCounts) => number) => counts.reduce((total, each) => total + count(each), 0);
    return { live: sum(({ live }) => live()), lost: this.#lostWorkers + sum(({ lost }) => lost()) };
  }

  hasPlace(): boolean {
    return this.running < this.concurrency;
  }

  /** Takes a place for a call of the version. Each is to be given back once, with {@link leave}. */
  enter(version: HandlerVersion): void {
    this.running++;
    version.running++;
  }

  leave(version: HandlerVersion): void {
    this.running--;
    if (--version.running === 0) version.onIdle?.();
    if (this.#waiting.size > 0) this.wake();
  }

  /** Calls `look` once, when there is a place again. Asking twice is asking once. */
  whenFree(look: () => void): void {
    this.#waiting.add(look);
  }

  /** For when there are more places than before. */
  wake(): void {
    for (const look of this.#waiting) {
      if (!this.hasPlace()) return;
      this.#waiting.delete(look);
      look();
    }
  }
}
