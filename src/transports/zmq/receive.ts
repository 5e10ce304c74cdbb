/** Reading from a socket on which strangers send. */
import type { Reply, Router } from "zeromq";
import type { Log } from "../../handler.ts";

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
