/**
 * Many requests at once, over a DEALER that speaks as a REQ does: an envelope that ends with an empty frame. In it is the
 * number of the request, which a REP and whoever keeps its rules (RFC 28) sends back, so replies may come in any order.
 */
import { Dealer } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import {
  type Connection,
  type ConnectionOptions,
  connectSocket,
  isInterrupted,
  isPassing,
  noAnswer,
  socketOptions,
} from "./connection.ts";
import { sendTogether } from "./together.ts";
import { waitFor } from "./wait.ts";

interface InFlight {
  readonly resolve: (body: Body) => void;
  readonly reject: (error: Error) => void;
}

interface Outgoing {
  readonly frames: Uint8Array[];
  readonly reject: (error: unknown) => void;
}

const EMPTY = Buffer.alloc(0);
const NO_ENVELOPE =
  '; replies without the request\'s envelope came: this server keeps none, so ask it one at a time ("maxInFlight": 1)';

export function openDealer(options: ConnectionOptions): Connection {
  const { address } = options;
  // No waiting for room: only a peer that reads nothing any more leaves none, and more would fill the memory.
  const room = 2 * options.limits.maxInFlight;
  const socket = new Dealer({
    ...socketOptions(options),
    sendTimeout: 0,
    sendHighWaterMark: room,
    receiveHighWaterMark: room,
  });
  const inFlight = new Map<number, InFlight>();
  const { isUp } = connectSocket(socket, options, end);
  let last = 0;
  let isReading = false;
  let strays = 0;

  function end(error: Error): void {
    for (const { reject } of [...inFlight.values()]) reject(error);
    socket.close();
  }

  /** Only while something is in flight, since a pending read keeps the process alive. */
  async function read(): Promise<void> {
    isReading = true;
    while (inFlight.size > 0 && !socket.closed) {
      try {
        take(await socket.receive());
      } catch (error) {
        if (socket.closed || !isPassing(error)) break;
      }
    }
    isReading = false;
  }

  /** A late or second reply has a number that nobody waits for any more, and is dropped. */
  function take([envelope, empty, ...body]: Buffer[]): void {
    if (envelope?.length !== 4 || empty?.length !== 0 || body.length === 0) {
      strays++;
      return;
    }
    inFlight.get(envelope.readUInt32BE())?.resolve(body);
  }

  function send(frames: Body, reject: (error: unknown) => void): number {
    last = (last + 1) % 2 ** 32;
    const envelope = Buffer.alloc(4);
    envelope.writeUInt32BE(last);
    sendSoon({ frames: [envelope, EMPTY, ...frames], reject });
    return last;
  }

  const sendSoon = sendTogether<Outgoing>(({ frames, reject }) => {
    push(frames).catch((cause: unknown) => {
      reject(new ZmqEchoError("unavailable", `${address} does not take the request`, { cause }));
    });
  });

  async function push(frames: Uint8Array[]): Promise<void> {
    for (;;) {
      try {
        return await socket.send(frames);
      } catch (error) {
        if (socket.closed || !isInterrupted(error)) throw error;
      }
    }
  }

  return {
    address,
    isUp,
    inFlight: () => inFlight.size,
    roundTrip: (frames, wait) =>
      waitFor<Body>(
        wait,
        () => noAnswer(address, wait, strays > 0 ? NO_ENVELOPE : ""),
        (resolve, reject) => {
          const number = send(frames, reject);
          inFlight.set(number, { resolve, reject });
          if (!isReading) void read();
          return () => void inFlight.delete(number);
        },
      ),
    close: () => end(new ZmqEchoError("canceled", "the client was closed")),
  };
}
