/** What a REP and a ROUTER have in common: one loop that reads a socket on which strangers send. */
import type { Reply, Router, SocketOptions } from "zeromq";
import type { Source } from "../../core/call.ts";
import type { Log } from "../../handler.ts";
import type { Answer } from "./framing.ts";

export interface LoopOptions {
  readonly socketOptions: SocketOptions<Reply> & SocketOptions<Router>;
  readonly answer: Answer;
  readonly source: Source;
  readonly log: Log;
}

/** A socket and the one loop that reads it. */
export interface Loop<Socket extends Reply | Router = Reply | Router> {
  readonly socket: Socket;
  /** `performance.now()` of the last message. */
  readonly lastReadAt: () => number;
  run(): void;
  /** Sends the replies that are under way, closes the socket, and resolves when nothing is left. */
  stop(): Promise<void>;
}

/** The frames of the next message, or undefined once the socket is closed. */
export async function receiveUntilClosed(socket: Reply | Router, log: Log): Promise<Buffer[] | undefined> {
  for (;;) {
    try {
      return await socket.receive();
    } catch (error) {
      if (socket.closed) return undefined;
      // A message without REQ's envelope (a bare DEALER, an HTTP client) wakes the reader and then is none.
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") continue;
      log.error({ err: error }, "the socket can't be read any more");
      return undefined;
    }
  }
}
