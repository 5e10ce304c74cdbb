/** A socket on one address: made, greeted, used, and thrown away when its peer goes. */
import type { Dealer, Request } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
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
  readonly events: ConnectionEvents;
}

export interface ConnectionLimits {
  readonly maxMessageBytes: number;
  readonly handshakeMs: number;
  readonly maxInFlight: number;
}

/** What becomes of a connection: up and perhaps lost, or failed. Each comes once, and nothing after `close`. */
export interface ConnectionEvents {
  /** A REP or ROUTER has answered the handshake. */
  up(): void;
  /** Nobody has; nothing was sent. */
  failed(): void;
  /** The peer has gone, or the connection has become useless; it has closed itself. */
  lost(): void;
}

/** A lost connection may have replies behind it that were read already but not yet handed to us. */
const LAST_REPLIES_MS = 50;

/** What sockets of clients have in common. */
export function socketOptions({ address, limits }: ConnectionOptions) {
  return {
    // Not libzmq's `immediate`, though it would hold a request back until somebody is there: it drops the replies that
    // were read but not yet taken when the connection ends.
    linger: 0,
    handshakeInterval: limits.handshakeMs,
    // Up to twice the limit it is told to the caller; beyond it libzmq cuts the connection.
    maxMessageSize: limits.maxMessageBytes * 2,
    ipv6: address.startsWith("tcp://["),
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

  function lost(): void {
    if (state === "over") return;
    const wasUp = state === "up";
    state = "over";
    if (!wasUp) {
      events.failed();
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
  socket.events.on("disconnect", lost);
  socket.events.on("connect:retry", lost);
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
