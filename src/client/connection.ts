/** One REQ socket on one address: made, greeted, used for one request at a time, and thrown away when it breaks. */
import { Request } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import { parseAddress } from "../wire/address.ts";
import { type Wait, waitFor } from "./wait.ts";

export interface Connection {
  readonly address: string;
  /** True once the peer has gone; a request sent now would be lost. */
  isBroken(): boolean;
  /**
   * Sends one message and resolves with its reply. Rejects with `unavailable` when the peer goes, `deadline_exceeded`
   * or `canceled`; the connection is of no use afterwards, since a REQ that missed its reply can't send again.
   */
  roundTrip(frames: Body, wait: Wait): Promise<Body>;
  close(): void;
}

export interface ConnectionLimits {
  readonly maxMessageBytes: number;
  readonly handshakeMs: number;
}

/** A lost connection may have a reply behind it that was read already but not yet handed to us. */
const LAST_REPLY_MS = 50;

/**
 * Connects. One of the two callbacks is called once: `onUp` when a REP or ROUTER has answered the handshake, `onFailed`
 * when nobody did; nothing was sent then.
 */
export function openConnection(
  address: string,
  limits: ConnectionLimits,
  { onUp, onFailed }: { readonly onUp: () => void; readonly onFailed: () => void },
): Connection {
  // Not libzmq's `immediate`, though it would hold a request back until somebody is there: it drops the replies that
  // were read but not yet taken when the connection ends.
  const socket = new Request({
    linger: 0,
    handshakeInterval: limits.handshakeMs,
    // Up to twice the limit it is told to the caller; beyond it libzmq cuts the connection.
    maxMessageSize: limits.maxMessageBytes * 2,
    ipv6: address.startsWith("tcp://["),
  });
  let state: "new" | "up" | "broken" = "new";
  let onBroken: ((error: Error) => void) | undefined;

  function lost(): void {
    const wasUp = state === "up";
    if (state === "broken") return;
    state = "broken";
    if (!wasUp) {
      onFailed();
      return;
    }
    const why = "it stopped, or the request was over its limit";
    const gone = new ZmqEchoError("unavailable", `${address} closed the connection before it answered: ${why}`);
    // An immediate comes after the sockets were read, a late timer before.
    setTimeout(() => setImmediate(() => onBroken?.(gone)), LAST_REPLY_MS);
  }

  socket.events.on("handshake", () => {
    if (state !== "new") return;
    state = "up";
    onUp();
  });
  socket.events.on("disconnect", lost);
  socket.events.on("connect:retry", lost);
  socket.connect(parseAddress(address, "connect").text);

  async function sendThrough(frames: Body): Promise<void> {
    for (;;) {
      try {
        return await socket.send(frames as Uint8Array[]);
      } catch (error) {
        if (socket.closed || !isInterrupted(error)) throw error;
      }
    }
  }

  async function exchange(frames: Body): Promise<Body> {
    await sendThrough(frames);
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
    isBroken: () => state === "broken",
    roundTrip(frames, wait) {
      const late = () => new ZmqEchoError("deadline_exceeded", `no answer from ${address} within ${wait.timeoutMs} ms`);
      return waitFor(wait, late, (resolve, reject) => {
        // For as long as this one call, so that no call is remembered by the connection.
        onBroken = reject;
        exchange(frames).then(resolve, reject);
        return () => {
          onBroken = undefined;
        };
      });
    },
    close: () => socket.close(),
  };
}

/** A signal of the system, such as the one that tells of the end of a child, ends a call of libzmq early. */
function isInterrupted(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EINTR";
}

function isPassing(error: unknown): boolean {
  return isInterrupted(error) || (error as NodeJS.ErrnoException).code === "EAGAIN";
}
