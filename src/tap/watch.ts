/** Watches spliced connections: reads what passes, and pairs it. */
import type { Content, Exchange, Exchanges } from "./exchanges.ts";
import type { Watcher } from "./splice.ts";
import { createDialogue, type Unread } from "./zmtp.ts";

export interface WatchOptions {
  readonly exchanges: Exchanges;
  readonly maxMessageBytes: number;
  readonly onRequest: (exchange: Exchange) => void;
  /** Undefined for an exchange if no request waited for it. */
  readonly onReply: (content: Content, exchange: Exchange | undefined) => void;
  /** Once for a connection. */
  readonly onUnread: (why: Unread) => void;
}

/** Makes the watcher of a connection. */
export function createWatch(options: WatchOptions): () => Watcher {
  const { exchanges, maxMessageBytes, onRequest, onReply, onUnread } = options;
  return () => {
    const connection = exchanges.connection();
    /** Who spoke last was the client. */
    let isAsked = false;
    const dialogue = createDialogue({
      maxMessageBytes,
      onRequest: (frames, at, notKept) => onRequest(connection.request(frames, at, notKept)),
      onReply(frames, at, notKept) {
        const { content, exchange } = connection.reply(frames, at, notKept);
        onReply(content, exchange);
      },
      onUnread(why) {
        connection.end();
        onUnread(why);
      },
    });
    return {
      fromClient(chunk, at) {
        isAsked = true;
        dialogue.fromClient(chunk, at);
      },
      fromServer(chunk, at) {
        isAsked = false;
        dialogue.fromServer(chunk, at);
      },
      end: connection.end,
      // Of what can't be read no more is known than that.
      isSettled: () => (dialogue.isRead() ? connection.isSettled() : !isAsked),
    };
  };
}
