/**
 * The deadlines of many calls, by one timer: nearly all calls end before theirs, and a timer made and cleared for each
 * would be the dearest part of a small call. What an expired one means is its owner's business.
 */
import { LONGEST_TIMER_MS } from "./durations.ts";

export interface Deadline {
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number;
  /** Called at most once, when that has passed. */
  expire(): void;
}

export class Deadlines<Kind extends Deadline = Deadline> {
  readonly #watched = new Set<Kind>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; of those that are watched none expires sooner. */
  #dueAt = Number.POSITIVE_INFINITY;

  /** Keeps the process alive until it has expired, or is watched no longer. */
  watch(deadline: Kind): void {
    this.#watched.add(deadline);
    if (this.#watched.size === 1) this.#timer?.ref();
    if (deadline.expiresAt < this.#dueAt) this.#arm(deadline.expiresAt);
  }

  unwatch(deadline: Kind): void {
    // The timer stays, for the next one.
    if (this.#watched.delete(deadline) && this.#watched.size === 0) this.#timer?.unref();
  }

  watched(): readonly Kind[] {
    return [...this.#watched];
  }

  #arm(dueAt: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    const remaining = Math.max(0, Math.min(dueAt - performance.now(), LONGEST_TIMER_MS));
    this.#timer = setTimeout(() => this.#look(), Math.ceil(remaining));
  }

  /** A timer may fire a fraction of a millisecond early, and for one that has ended, so it is an occasion to look and no more. */
  #look(): void {
    const now = performance.now();
    const due: Kind[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const deadline of this.#watched) {
      if (deadline.expiresAt <= now) due.push(deadline);
      else next = Math.min(next, deadline.expiresAt);
    }
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (next < this.#dueAt) this.#arm(next);
    // One that expires may end others.
    for (const deadline of due) if (this.#watched.delete(deadline)) deadline.expire();
  }
}
