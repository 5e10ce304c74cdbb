/**
 * The deadlines of many calls, by one timer: nearly all calls end before theirs, and a timer made and cleared for each
 * would be the dearest part of a small call. What an expired one means is its owner's business.
 */
import { LONGEST_TIMER_MS } from "./durations.ts";
import { LinkedList, type Node } from "./linked-list.ts";

export interface Deadline {
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number;
  /** Called at most once, when that has passed. */
  expire(): void;
}

export class Deadlines<Kind extends Deadline = Deadline> {
  readonly #watched = new LinkedList<Kind>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; of those that are watched none expires sooner. */
  #dueAt = Number.POSITIVE_INFINITY;

  /** Keeps the process alive until it has expired, or is watched no longer. What it gives is for `unwatch`. */
  watch(deadline: Kind): Node<Kind> {
    const watched = this.#watched.append(deadline);
    if (this.#watched.size === 1) this.#timer?.ref();
    if (deadline.expiresAt < this.#dueAt) this.#arm(deadline.expiresAt);
    return watched;
  }

  /** Harmless for one that has expired: false then. */
  unwatch(watched: Node<Kind>): boolean {
    const isWatched = this.#watched.remove(watched);
    // The timer stays, for the next one.
    if (isWatched && this.#watched.size === 0) this.#timer?.unref();
    return isWatched;
  }

  all(): Kind[] {
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
    const due: Node<Kind>[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (let node = this.#watched.first; node !== undefined; node = node.after) {
      if (node.item.expiresAt <= now) due.push(node);
      else next = Math.min(next, node.item.expiresAt);
    }
    this.#timer = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (next < this.#dueAt) this.#arm(next);
    due.sort((a, b) => a.item.expiresAt - b.item.expiresAt);
    // One that expires may end others.
    for (const node of due) if (this.unwatch(node)) node.item.expire();
  }
}
