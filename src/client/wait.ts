/** Waiting within a call's deadline, until its caller cancels; the one way of the client to wait. */
import { ZmqEchoError } from "../errors.ts";

export interface Wait {
  /** `performance.now()` at which to give up. */
  readonly expiresAt: number;
  /** What the caller was given, for the error's text. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Begins something and resolves or rejects as it says; with `expired()` at the deadline, with `canceled` on abort. What
 * is over already is not begun. What `begin` returns is called at the end, whatever it was.
 */
export function waitFor<T>(
  { expiresAt, signal }: Wait,
  expired: () => Error,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => (() => void) | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const left = expiresAt - performance.now();
    if (signal?.aborted) return reject(canceled(signal));
    if (left <= 0) return reject(expired());
    let cleanUp: (() => void) | undefined;
    let ended = false;
    const end = (): void => {
      ended = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      cleanUp?.();
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    const onAbort = (): void => fail(canceled(signal));
    const timer = setTimeout(() => fail(expired()), left);
    signal?.addEventListener("abort", onAbort, { once: true });
    cleanUp = begin((value) => {
      end();
      resolve(value);
    }, fail);
    // It may have ended before it had said how to clean up.
    if (ended) cleanUp?.();
  });
}

function canceled(signal: AbortSignal | undefined): ZmqEchoError {
  return new ZmqEchoError("canceled", "the call was canceled", { cause: signal?.reason });
}
