/** A socket on one address: made, greeted, used, and thrown away when its peer goes. */
import type { Dealer, Request } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import { onTrouble, type Trouble } from "../transports/zmq/trouble.ts";
import { parseAddress } from "../wire/address.ts";
import type { Wait } from "./wait.ts";

export interface Connection {
  readonly address: string;
  /** Whether a REP or ROUTER has answered the handshake, and has not gone since; a request sent at another time would be lost. */
  isUp(): boolean;
  /** How many requests wait for their replies. */
  inFlight(): number;
  /**
   * Sends one message and resolves with its reply. Rejects with `unavailable` when the peer goes, `deadline_exceeded`
   * or `canceled`.
   */
  roundTrip(frames: Body, wait: Wait): Promise<Body>;
  close(): void;
}

export interface ConnectionOptions {
  readonly address: string;
  readonly limits: ConnectionLimits;
  /** For a server that asks for keys; one that does not is not talked to then. */
  readonly curve?: CurveKeys | undefined;
  readonly events: ConnectionEvents;
}

export interface ConnectionLimits {
  readonly maxMessageBytes: number;
  readonly handshakeMs: number;
  readonly maxInFlight: number;
}

/** Checked, and complete. In Z85. */
export interface CurveKeys {
  readonly serverKey: string;
  readonly publicKey: string;
  readonly secretKey: string;
  /** The pair was made for this client, so no server can know it. */
  readonly isNew: boolean;
}

/** What becomes of a connection: up and perhaps lost, or failed. Each comes once, and nothing after `close`. */
export interface ConnectionEvents {
  /** A REP or ROUTER has answered the handshake. */
  up(): void;
  /** Nobody has; nothing was sent. */
  failed(trouble: Trouble | undefined): void;
  /** The peer has gone, or the connection has become useless; it has closed itself. */
  lost(): void;
}

/** A lost connection may have replies behind it that were read already but not yet handed to us. */
const LAST_REPLIES_MS = 50;

/** What sockets of clients have in common. */
export function socketOptions({ address, limits, curve }: ConnectionOptions) {
  return {
    // Not libzmq's `immediate`, though it would hold a request back until somebody is there: it drops the replies that
    // were read but not yet taken when the connection ends.
    linger: 0,
    handshakeInterval: limits.handshakeMs,
    // Up to twice the limit it is told to the caller; beyond it libzmq cuts the connection.
    maxMessageSize: limits.maxMessageBytes * 2,
    ipv6: address.startsWith("tcp://["),
    ...(curve !== undefined && {
      curveServerKey: curve.serverKey,
      curvePublicKey: curve.publicKey,
      curveSecretKey: curve.secretKey,
    }),
  };
}

/**
 * Connects, and follows what becomes of it.
 * @param end fails what is in flight; called when the peer has gone and its last replies have been read
 */
export function connectSocket(
  socket: Request | Dealer,
  { address, events }: ConnectionOptions,
  end: (error: Error) => void,
): { isUp(): boolean; giveUp(): void } {
  let state: "new" | "up" | "over" = "new";

  /** @param trouble if it is known; it is told before the connection ends */
  function lost(trouble?: Trouble): void {
    if (state === "over") return;
    const wasUp = state === "up";
    state = "over";
    if (!wasUp) {
      events.failed(trouble);
      return;
    }
    const why = "it stopped, or the request was over its limit";
    const gone = new ZmqEchoError("unavailable", `${address} closed the connection before it answered: ${why}`);
    // An immediate comes after the sockets were read, a late timer before.
    setTimeout(() => setImmediate(end, gone), LAST_REPLIES_MS);
    events.lost();
  }

  socket.events.on("handshake", () => {
    if (state !== "new") return;
    state = "up";
    events.up();
  });
  onTrouble(socket, lost);
  socket.connect(parseAddress(address, "connect").text);
  return {
    isUp: () => state === "up",
    giveUp() {
      if (state === "up") events.lost();
      state = "over";
    },
  };
}

export function noAnswer(address: string, { timeoutMs }: Wait, hint = ""): ZmqEchoError {
  return new ZmqEchoError("deadline_exceeded", `no answer from ${address} within ${timeoutMs} ms${hint}`);
}

/** A signal of the system, such as the one that tells of the end of a child, ends a call of libzmq early. */
export function isInterrupted(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EINTR";
}

/** What wakes a reader and then is no message. */
export function isPassing(error: unknown): boolean {
  return isInterrupted(error) || (error as NodeJS.ErrnoException).code === "EAGAIN";
}
