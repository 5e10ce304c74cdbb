/** Waiting within a call's deadline, until its caller cancels or the client closes; the one way of the client to wait. */
import { ZmqEchoError } from "../errors.ts";

export interface Wait {
  /** `performance.now()` at which to give up. */
  readonly expiresAt: number;
  /** What the caller was given, for the error's text. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly closing: Closing;
}

/** The end of a client, as all that wait in it learn of it. Thousands may: a set, since a signal is slow with as many. */
export class Closing {
  readonly #listeners = new Set<() => void>();
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  add(listener: () => void): void {
    this.#listeners.add(listener);
  }

  delete(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    for (const listener of [...this.#listeners]) listener();
  }
}

/**
 * Begins something and resolves or rejects as it says; with `expired()` at the deadline, with `canceled` on abort. What
 * is over already is not begun. What `begin` returns is called at the end, whatever it was.
 */
export function waitFor<T>(
  { expiresAt, signal, closing }: Wait,
  expired: () => Error,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => (() => void) | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const left = expiresAt - performance.now();
    if (closing.isClosed || signal?.aborted) return reject(canceled(signal));
    if (left <= 0) return reject(expired());
    let cleanUp: (() => void) | undefined;
    let ended = false;
    const end = (): void => {
      ended = true;
      clearTimeout(timer);
      closing.delete(cancel);
      signal?.removeEventListener("abort", cancel);
      cleanUp?.();
    };
    const fail = (error: unknown): void => {
      if (ended) return;
      end();
      reject(error);
    };
    const cancel = (): void => fail(canceled(signal));
    const timer = setTimeout(() => fail(expired()), left);
    closing.add(cancel);
    signal?.addEventListener("abort", cancel, { once: true });
    cleanUp = begin((value) => {
      if (ended) return;
      end();
      resolve(value);
    }, fail);
    // It may have ended before it had said how to clean up.
    if (ended) cleanUp?.();
  });
}

function canceled(signal: AbortSignal | undefined): ZmqEchoError {
  const cause = signal?.aborted ? signal.reason : new Error("the client was closed");
  return new ZmqEchoError("canceled", "the call was canceled", { cause });
}
