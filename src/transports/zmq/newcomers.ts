/**
 * Who connects while an endpoint stops. A request is sent when the handshake is over, so those who are on the way have most
 * likely one for us; on a busy machine that takes longer than the silence after which nobody seems to want anything.
 */
import type { Router } from "zeromq";
import { canOpen } from "../../files.ts";

export interface Newcomers {
  /** How many have connected and not yet ended their handshake. */
  onTheWay(): number;
  /** `performance.now()` when one last did either. */
  lastSeenAt(): number;
}

const NOBODY: Newcomers = { onTheWay: () => 0, lastSeenAt: () => 0 };

/** What the events of a socket take, and some for who opens files at the same moment. */
const FILES = 8;

/** Those who come from now on, until the socket is closed. */
export function watchNewcomers(socket: Router): Newcomers {
  // Then nobody can come either. And half of what tells the events, a sender without a receiver, makes libzmq wait for good.
  if (!canOpen(FILES)) return NOBODY;
  let onTheWay = 0;
  let lastSeenAt = 0;
  const came = (): void => {
    onTheWay++;
    lastSeenAt = performance.now();
  };
  // One that had come before is none of those counted.
  const ended = (): void => {
    onTheWay = Math.max(0, onTheWay - 1);
    lastSeenAt = performance.now();
  };
  socket.events.on("accept", came);
  socket.events.on("handshake", ended);
  socket.events.on("handshake:error:auth", ended);
  socket.events.on("handshake:error:protocol", ended);
  socket.events.on("handshake:error:other", ended);
  return { onTheWay: () => onTheWay, lastSeenAt: () => lastSeenAt };
}
