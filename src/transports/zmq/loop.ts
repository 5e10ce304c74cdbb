/** One loop that reads a socket on which strangers send. */
import type { Router, SocketOptions } from "zeromq";
import type { Log } from "../../handler.ts";
import { bytesOf } from "../../wire/limits.ts";
import { noteReceived } from "./collect.ts";
import type { Answerer } from "./framing.ts";

export interface LoopOptions {
  readonly socketOptions: SocketOptions<Router>;
  /** Whether the next request is read only when the one before is answered; asked with each. */
  readonly lockStep: () => boolean;
  /** What the messages mean; asked with each. */
  readonly answerer: () => Answerer;
  readonly endpoint: string;
  readonly log: Log;
}

/** A socket and the one loop that reads it. */
export interface Loop {
  readonly socket: Router;
  /** Replies that no peer took, so far. */
  dropped(): number;
  /** `performance.now()` of the last message; in lock-step also of the last reply, since nothing is read before it. */
  lastActiveAt(): number;
  run(): void;
  /** Answers what has been read, closes the socket, and resolves when nothing is left. Takes a second at most. */
  stop(): Promise<void>;
}

/** Reading takes no turn of the event loop while there is something to read, so after so much work one is taken. */
export const WORK_BEFORE_TURN_MS = 10;

/** Errors of a socket that is well. */
export const PASSING: ReadonlySet<string> = new Set(["EAGAIN", "EINTR"]);

export interface Reader {
  /** Gets each message, when it was read and its bytes, one after the other. */
  handle(frames: Buffer[], readAt: number, bytes: number): Promise<void> | undefined;
  /**
   * What comes before the next message is waited for.
   * @param isReading whether the socket is waiting for one already: then nobody may ask it whether it is readable, since who asks
   * takes the signal that would end the wait
   */
  between(isReading: boolean): Promise<void> | undefined;
  /**
   * Resolves when `between` has something to do though no message came; undefined if that can't be. A new promise each
   * time: one that lives on would hold all the messages that came before it.
   */
  early(): Promise<void> | undefined;
}

/**
 * Reads until the socket is closed. Whatever `handle` or `between` throws is a bug of ours; it is logged, and the next
 * message is read.
 */
export async function readMessages(socket: Router, log: Log, { handle, between, early }: Reader): Promise<void> {
  let worked = 0;
  let message: Promise<Buffer[]> | undefined;
  for (;;) {
    try {
      const from = performance.now();
      const more = between(message !== undefined);
      if (more !== undefined) {
        await more;
        worked += performance.now() - from;
      }
    } catch (err) {
      log.error({ err }, "what comes between two messages failed");
    }
    let frames: Buffer[];
    try {
      message ??= socket.receive();
      const woken = early();
      if (woken !== undefined && (await Promise.race([message, woken])) === undefined) {
        // A message that came meanwhile is seen only in a turn of the event loop.
        await new Promise(setImmediate);
        continue;
      }
      frames = await message;
      message = undefined;
    } catch (err) {
      message = undefined;
      if (socket.closed) return;
      // What wakes the reader and then is no message (of an HTTP client, say) is nothing to stop for, nor is a signal of
      // the system, such as the one that tells of the end of a child.
      if (PASSING.has((err as NodeJS.ErrnoException).code ?? "")) continue;
      log.error({ err }, "the socket can't be read any more");
      return;
    }
    const readAt = performance.now();
    const bytes = bytesOf(frames);
    noteReceived(frames);
    try {
      const handled = handle(frames, readAt, bytes);
      if (handled !== undefined) await handled;
    } catch (err) {
      log.error({ err }, "a message could not be answered");
    }
    worked += performance.now() - readAt;
    if (worked > WORK_BEFORE_TURN_MS) {
      worked = 0;
      await new Promise(setImmediate);
    }
  }
}
