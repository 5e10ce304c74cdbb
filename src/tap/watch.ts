/**
 * Watches spliced connections: reads what passes, and pairs it; a little later, many at once. Else the process would
 * still be busy when the reply comes, and on a processor that the server could have.
 */
import type { Body } from "../codecs/codec.ts";
import { bytesOf } from "../wire/limits.ts";
import type { Exchange, Exchanges, Reply } from "./exchanges.ts";
import { MOST_FRAMES } from "./frames.ts";
import type { Watcher } from "./splice.ts";
import { createDialogue, type Unread } from "./zmtp.ts";

export interface WatchOptions {
  readonly exchanges: Exchanges;
  readonly maxMessageBytes: number;
  /** Does the work later, in order; `bytes` are kept for it. */
  readonly later: (work: () => void, bytes: number) => void;
  /** Does at once what waits. */
  readonly catchUp: () => void;
  readonly onRequest: (exchange: Exchange) => void;
  readonly onReply: (reply: Reply) => void;
  /** Once for a connection. */
  readonly onUnread: (why: Unread) => void;
}

/** Makes the watcher of a connection. */
export function createWatch(options: WatchOptions): () => Watcher {
  const { exchanges, maxMessageBytes, later, catchUp, onRequest, onReply, onUnread } = options;
  return () => {
    const connection = exchanges.connection();
    /** Who spoke last was the client. */
    let isAsked = false;
    const dialogue = createDialogue({
      maxMessageBytes,
      onRequest(frames, at, notKept) {
        for (const exchange of connection.request(frames, at, notKept)) onRequest(exchange);
      },
      onReply(frames, at, notKept) {
        for (const reply of connection.reply(frames, at, notKept)) onReply(reply);
      },
      onUnread(why) {
        connection.end();
        onUnread(why);
      },
    });
    return {
      fromClient(chunk, at) {
        isAsked = true;
        later(() => dialogue.fromClient(chunk, at), chunk.length);
      },
      fromServer(chunk, at) {
        isAsked = false;
        later(() => dialogue.fromServer(chunk, at), chunk.length);
      },
      end: () => later(connection.end, 0),
      isSettled() {
        catchUp();
        // Of what can't be read no more is known than that.
        return dialogue.isRead() ? connection.isSettled() : !isAsked;
      },
    };
  };
}

/** A watcher that is given messages, from where they are read, instead of reading them in the bytes. */
export interface MessageWatcher extends Watcher {
  request(frames: Body, at: number): void;
  reply(frames: Body, at: number): void;
}

/** Bytes under way between where they are read and where they are passed on are there in less. */
const ON_THE_WAY_MS = 50;

/** Makes the watcher of a connection whose messages come from elsewhere. */
export function createMessageWatch(options: Omit<WatchOptions, "onUnread">): () => MessageWatcher {
  const { exchanges, maxMessageBytes, later, catchUp, onRequest, onReply } = options;
  return () => {
    const connection = exchanges.connection();
    let lastAt = 0;
    const passed = (): void => {
      lastAt = performance.now();
    };
    return {
      request(frames, at) {
        passed();
        const { kept, bytes, notKept } = keep(frames, maxMessageBytes);
        later(() => connection.request(kept, at, notKept).forEach(onRequest), bytes);
      },
      reply(frames, at) {
        passed();
        const { kept, bytes, notKept } = keep(frames, maxMessageBytes);
        later(() => connection.reply(kept, at, notKept).forEach(onReply), bytes);
      },
      fromClient: passed,
      fromServer: passed,
      end: () => later(connection.end, 0),
      isSettled() {
        catchUp();
        return connection.isSettled() && performance.now() - lastAt > ON_THE_WAY_MS;
      },
    };
  };
}

/** The message, or of one that is too large the envelope and how many bytes the rest has. */
function keep(frames: Body, most: number): { kept: Body; bytes: number; notKept: number | undefined } {
  const bytes = bytesOf(frames);
  if (bytes <= most && frames.length <= MOST_FRAMES) return { kept: frames, bytes, notKept: undefined };
  const kept = frames.slice(0, frames.findIndex(({ length }) => length === 0) + 1);
  return { kept, bytes: bytesOf(kept), notKept: bytes - bytesOf(kept) };
}
