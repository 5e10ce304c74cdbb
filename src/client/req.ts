/** One request at a time, over a REQ: the plainest client there is, which any server understands. */
import { type Dealer, Request } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import {
  type Connection,
  type ConnectionOptions,
  connectSocket,
  isInterrupted,
  isPassing,
  noAnswer,
  socketOptions,
} from "./connection.ts";
import { waitFor } from "./wait.ts";

/** Its `roundTrip` is not to be called again before it has settled. A REQ that missed its reply can't send again, so then it is lost. */
export function openReq(options: ConnectionOptions): Connection {
  return openInTurn(new Request(socketOptions(options)), options);
}

/** A connection that takes the next message for the reply. After a failure it is lost, since a late reply would be the next. */
export function openInTurn(socket: Request | Dealer, options: ConnectionOptions): Connection {
  const { address } = options;
  let onEnd: ((error: Error) => void) | undefined;
  const { isUp, giveUp } = connectSocket(socket, options, (error) => {
    if (onEnd === undefined) socket.close();
    else onEnd(error);
  });

  async function send(frames: Body): Promise<void> {
    for (;;) {
      try {
        return await socket.send(frames as Uint8Array[]);
      } catch (error) {
        if (socket.closed || !isInterrupted(error)) throw error;
      }
    }
  }

  async function exchange(frames: Body): Promise<Body> {
    await send(frames);
    for (;;) {
      try {
        return await socket.receive();
      } catch (error) {
        if (socket.closed || !isPassing(error)) throw error;
      }
    }
  }

  return {
    address,
    isUp,
    inFlight: () => (onEnd === undefined ? 0 : 1),
    async roundTrip(frames, wait) {
      try {
        return await waitFor<Body>(
          wait,
          () => noAnswer(address, wait),
          (waiting) => {
            const failed = (error: unknown) => waiting.reject(error);
            // For as long as this one call, so that no call is remembered by the connection.
            onEnd = failed;
            exchange(frames).then((reply) => waiting.resolve(reply), failed);
            return () => {
              onEnd = undefined;
            };
          },
        );
      } catch (error) {
        giveUp();
        socket.close();
        throw error;
      }
    },
    close: () => socket.close(),
  };
}
