/**
 * One request at a time over a REQ socket, with what REQ lacks: a deadline, a reason when it fails, and a fresh socket
 * after a failure (a REQ that missed its reply can't send again).
 */
import { Request } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import { type MessageLimits, overLimit } from "../wire/limits.ts";
import { diagnose } from "./diagnose.ts";

export interface ReqOptions {
  /** Where the server may be reached; the first to answer the handshake gets the request. */
  readonly addresses: readonly string[];
  readonly limits: MessageLimits & { readonly handshakeMs: number };
  /** Go on trying until the deadline when nobody is there, instead of failing at once. */
  readonly wait: boolean;
}

export interface Exchange {
  /** `performance.now()` at which to give up. */
  readonly expiresAt: number;
  /** What the caller was given, for the error's text. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Req {
  /**
   * Sends one message and resolves with the frames of its reply; not to be called again before that.
   * Rejects with `unavailable` (nobody there, or the connection was lost), `deadline_exceeded`, `canceled`, or
   * `resource_exhausted` for a reply over the limits.
   */
  exchange(frames: Body, exchange: Exchange): Promise<Body>;
  close(): void;
}

/** A lost connection may have a reply behind it that was read already but not yet handed to us. */
const LAST_REPLY_MS = 50;

export function createReq(options: ReqOptions): Req {
  let connection: Connection | undefined;

  async function exchange(frames: Body, { expiresAt, timeoutMs, signal }: Exchange): Promise<Body> {
    connection ??= openConnection(options);
    const current = connection;
    let reply: Body;
    try {
      reply = await until(current.roundTrip(frames), { expiresAt, signal, broken: current.broken }, () =>
        current.connected() ? noAnswer(options, timeoutMs) : new Broken(false, timeoutMs),
      );
    } catch (error) {
      current.close();
      if (connection === current) connection = undefined;
      throw error instanceof Broken ? await explain(error, options) : error;
    }
    if (current.isBroken()) {
      current.close();
      connection = undefined;
    }
    const tooLarge = overLimit(reply, options.limits);
    if (tooLarge !== undefined) throw tooLarge;
    return reply;
  }

  return {
    exchange,
    close() {
      connection?.close();
      connection = undefined;
    },
  };
}

/** Nobody to talk to: no address answered its handshake, or the one that did has gone. */
class Broken extends Error {
  /** Whether there was somebody before. */
  readonly connected: boolean;
  /** How long it was tried, if it was tried to the end. */
  readonly triedMs: number | undefined;

  constructor(connected: boolean, triedMs?: number) {
    super("broken");
    this.connected = connected;
    this.triedMs = triedMs;
  }
}

interface Connection {
  roundTrip(frames: Body): Promise<Body>;
  /** Rejects with {@link Broken}; never resolves. */
  readonly broken: Promise<never>;
  isBroken(): boolean;
  /** Whether some address has answered the handshake. */
  connected(): boolean;
  close(): void;
}

function openConnection({ addresses, limits, wait }: ReqOptions): Connection {
  const socket = new Request({
    linger: 0,
    // A request waits for a peer that has shown it is there, so that a dead address does not swallow it.
    immediate: true,
    handshakeInterval: limits.handshakeMs,
    maxMessageSize: limits.maxMessageBytes * 2,
    ipv6: addresses.some((address) => address.startsWith("tcp://[")),
  });
  const up = new Set<string>();
  const down = new Set<string>();
  let wasUp = false;
  let isBroken = false;
  let fail: (error: Broken) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Nobody may be waiting when it breaks.
  broken.catch(() => undefined);

  function lost(address: string): void {
    up.delete(address);
    down.add(address);
    if (down.size < addresses.length || isBroken) return;
    if (wait && !wasUp) return;
    isBroken = true;
    // An immediate comes after the sockets were read, a late timer before.
    setTimeout(() => setImmediate(() => fail(new Broken(wasUp))), wasUp ? LAST_REPLY_MS : 0);
  }

  socket.events.on("handshake", ({ address }) => {
    wasUp = true;
    up.add(address);
    down.delete(address);
  });
  socket.events.on("disconnect", ({ address }) => lost(address));
  socket.events.on("connect:retry", ({ address }) => lost(address));
  for (const address of addresses) socket.connect(address);

  return {
    async roundTrip(frames) {
      await socket.send(frames as Uint8Array[]);
      for (;;) {
        try {
          return await socket.receive();
        } catch (error) {
          if (socket.closed || (error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        }
      }
    },
    broken,
    isBroken: () => isBroken,
    connected: () => wasUp,
    close: () => socket.close(),
  };
}

/** Whichever comes first. All timers and listeners are gone afterwards. */
async function until(
  reply: Promise<Body>,
  { expiresAt, signal, broken }: { expiresAt: number; signal: AbortSignal | undefined; broken: Promise<never> },
  timedOut: () => Error,
): Promise<Body> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  // A reply that loses the race rejects when the socket is closed.
  reply.catch(() => undefined);
  const ended = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut()), Math.max(0, expiresAt - performance.now()));
    onAbort = () => reject(new ZmqEchoError("canceled", "the call was canceled", { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([reply, broken, ended]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
  }
}

function noAnswer({ addresses }: ReqOptions, timeoutMs: number): ZmqEchoError {
  return new ZmqEchoError("deadline_exceeded", `no answer from ${addresses.join(", ")} within ${timeoutMs} ms`);
}

async function explain({ connected, triedMs }: Broken, { addresses, limits }: ReqOptions): Promise<ZmqEchoError> {
  if (connected) {
    const why = "it stopped, or the request was over its limit";
    return new ZmqEchoError("unavailable", `${addresses.join(", ")} closed the connection before it answered: ${why}`);
  }
  // Past the deadline there is time for a glance only.
  const lookMs = triedMs === undefined ? limits.handshakeMs : 250;
  const reasons = await Promise.all(addresses.map((address) => diagnose(address, lookMs)));
  const tried = triedMs === undefined ? "" : ` (tried for ${triedMs} ms)`;
  return new ZmqEchoError("unavailable", reasons.join("; ") + tried);
}
