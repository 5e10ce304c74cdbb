/** Waiting within a call's deadline, until its caller cancels or the client closes; the one way of the client to wait. */
import { type Deadline, Deadlines } from "../deadlines.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Node } from "../linked-list.ts";

export interface Wait {
  /** `performance.now()` at which to give up. */
  readonly expiresAt: number;
  /** What the caller was given, for the error's text. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** All that waits in the same client. */
  readonly waits: Waits;
}

/** All that waits in a client, thousands perhaps, and its end, of which they all learn. */
export class Waits extends Deadlines<Waiting<never>> {
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    for (const waiting of this.all()) waiting.handleEvent();
  }
}

/** Begins something. What it returns is called at the end, whatever that was. */
export type Begin<T> = (waiting: Waiting<T>) => (() => void) | undefined;

/**
 * Begins something and settles as `waiting` is told; rejects with `expired()` at the deadline, with `canceled` on abort or
 * when the client closes. What is over already is not begun.
 */
export function waitFor<T>(wait: Wait, expired: () => Error, begin: Begin<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (wait.waits.isClosed || wait.signal?.aborted) reject(canceled(wait.signal));
    else if (wait.expiresAt <= performance.now()) reject(expired());
    else new Waiting(wait, expired, resolve, reject).begin(begin);
  });
}

/** Waits so long, and as `waitFor` does. */
export function pause(ms: number, wait: Wait, expired: () => Error): Promise<void> {
  return waitFor<void>(wait, expired, (waiting) => {
    const timer = setTimeout(() => waiting.resolve(), ms);
    return () => clearTimeout(timer);
  });
}

/** One wait: it ends once. An object and not a closure for each of its ends, since each small call has one. */
export class Waiting<T> implements Deadline {
  readonly expiresAt: number;
  readonly #wait: Wait;
  readonly #expired: () => Error;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #watched: Node<Waiting<never>> | undefined;
  #cleanUp: (() => void) | undefined;
  #isOver = false;

  constructor(wait: Wait, expired: () => Error, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.expiresAt = wait.expiresAt;
    this.#wait = wait;
    this.#expired = expired;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(begin: Begin<T>): void {
    const { waits, signal } = this.#wait;
    this.#watched = waits.watch(this);
    signal?.addEventListener("abort", this);
    try {
      this.#cleanUp = begin(this);
    } catch (error) {
      this.reject(error);
    }
    // It may have ended before it had said how to clean up.
    if (this.#isOver) this.#cleanUp?.();
  }

  resolve(value: T): void {
    if (this.#end()) this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.#end()) this.#reject(error);
  }

  expire(): void {
    this.reject(this.#expired());
  }

  /** As a listener of its caller's signal. */
  handleEvent(): void {
    this.reject(canceled(this.#wait.signal));
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    const { waits, signal } = this.#wait;
    if (this.#watched !== undefined) waits.unwatch(this.#watched);
    signal?.removeEventListener("abort", this);
    this.#cleanUp?.();
    return true;
  }
}

function canceled(signal: AbortSignal | undefined): ZmqEchoError {
  const cause = signal?.aborted ? signal.reason : new Error("the client was closed");
  return new ZmqEchoError("canceled", "the call was canceled", { cause });
}
