/** What a handler's name stands for: the version that answers now, and the places for its calls, over all endpoints. */
import { createCallCounter } from "../counts.ts";
import type { Runner } from "../runtime/runner.ts";

/** One version of a handler. Calls that began on it end on it, whatever comes after. */
export interface HandlerVersion {
  readonly runner: Runner;
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
  /** Workers that versions before this one have lost. */
  lostWorkers = 0;
  /** Endpoints where a call waits for a place here, in the order in which they get a turn. */
  readonly #waiting = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
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
