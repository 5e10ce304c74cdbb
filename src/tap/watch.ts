/**
 * Watches spliced connections: reads what passes, and pairs it; a little later, many at once. Else the process would
 * still be busy when the reply comes, and on a processor that the server could have.
 */
import type { Exchange, Exchanges, Reply } from "./exchanges.ts";
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
