/**
 * One request at a time over a REQ socket, with what REQ lacks: a deadline, a reason when it fails, and a fresh socket
 * after a failure (a REQ that missed its reply can't send again).
 */
import { setTimeout as delay } from "node:timers/promises";
import { Request } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import { type MessageLimits, overLimit } from "../wire/limits.ts";
import { diagnose } from "./diagnose.ts";

export interface ReqOptions {
  /** Where the server may be reached; one that does not answer the handshake is passed over. */
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
/** How long an address may take to answer the handshake while there are others to try. */
const PATIENCE_MS = 300;
/** Between two rounds over the addresses when told to wait for a server. */
const ROUND_PAUSE_MS = 100;

export function createReq(options: ReqOptions): Req {
  const { addresses, limits, wait } = options;
  let connection: Connection | undefined;
  let current = 0;

  async function exchange(frames: Body, call: Exchange): Promise<Body> {
    const reply = await findPeer(frames, call);
    const tooLarge = overLimit(reply, limits);
    if (tooLarge !== undefined) throw tooLarge;
    return reply;
  }

  /** From one address to the next until one answers its handshake: what none has taken can safely be sent again. */
  async function findPeer(frames: Body, call: Exchange): Promise<Body> {
    for (let passedOver = 0; ; ) {
      try {
        return await over(addresses[current % addresses.length] ?? "", frames, call);
      } catch (error) {
        if (!(error instanceof NoPeer)) throw error;
        current++;
        passedOver++;
        const expired = performance.now() >= call.expiresAt;
        if (expired || (!wait && passedOver >= addresses.length)) throw await explain(options, call, expired);
        if (passedOver % addresses.length === 0) await pause(call);
      }
    }
  }

  async function over(address: string, frames: Body, call: Exchange): Promise<Body> {
    // One that broke while nobody used it has lost nothing.
    if (connection?.isBroken()) close();
    connection ??= openConnection(address, limits, addresses.length > 1);
    const used = connection;
    let broken = true;
    try {
      const reply = await until(used.roundTrip(frames), used.broken, call, () =>
        used.isUp() ? noAnswer(address, call.timeoutMs) : new NoPeer(),
      );
      broken = used.isBroken();
      return reply;
    } finally {
      if (broken) close();
    }
  }

  function close(): void {
    connection?.close();
    connection = undefined;
  }

  return { exchange, close };
}

/** Nobody answered the handshake, so nothing was sent. */
class NoPeer extends Error {}

interface Connection {
  roundTrip(frames: Body): Promise<Body>;
  /** Rejects with {@link NoPeer}, or `unavailable` if the peer has gone; never resolves. */
  readonly broken: Promise<never>;
  isBroken(): boolean;
  /** Whether the handshake has been answered. */
  isUp(): boolean;
  close(): void;
}

/**
 * Not libzmq's `immediate`, though it would hold the request back until somebody is there: it drops the replies that
 * were read but not yet taken when the connection ends.
 */
function openConnection(address: string, limits: ReqOptions["limits"], hurry: boolean): Connection {
  const socket = new Request({
    linger: 0,
    handshakeInterval: limits.handshakeMs,
    maxMessageSize: limits.maxMessageBytes * 2,
    ipv6: address.startsWith("tcp://["),
  });
  let isUp = false;
  let isBroken = false;
  let fail: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Nobody may be waiting when it breaks.
  broken.catch(() => undefined);
  const impatience = hurry ? setTimeout(lost, PATIENCE_MS) : undefined;

  function lost(): void {
    if (isBroken) return;
    isBroken = true;
    if (!isUp) {
      fail(new NoPeer());
      return;
    }
    const why = "it stopped, or the request was over its limit";
    const gone = new ZmqEchoError("unavailable", `${address} closed the connection before it answered: ${why}`);
    // An immediate comes after the sockets were read, a late timer before.
    setTimeout(() => setImmediate(() => fail(gone)), LAST_REPLY_MS);
  }

  socket.events.on("handshake", () => {
    isUp = true;
    clearTimeout(impatience);
  });
  socket.events.on("disconnect", lost);
  socket.events.on("connect:retry", lost);
  socket.connect(address);

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
    isUp: () => isUp,
    close() {
      clearTimeout(impatience);
      socket.close();
    },
  };
}

/** Whichever comes first. All timers and listeners are gone afterwards. */
async function until<T>(
  result: Promise<T>,
  broken: Promise<never>,
  { expiresAt, signal }: Exchange,
  timedOut: () => Error,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  // A reply that loses the race rejects when the socket is closed.
  result.catch(() => undefined);
  const ended = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut()), Math.max(0, expiresAt - performance.now()));
    onAbort = () => reject(new ZmqEchoError("canceled", "the call was canceled", { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([result, broken, ended]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
  }
}

function pause({ expiresAt, signal }: Exchange): Promise<void> {
  const ms = Math.max(0, Math.min(ROUND_PAUSE_MS, expiresAt - performance.now()));
  return delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {
    throw new ZmqEchoError("canceled", "the call was canceled");
  });
}

function noAnswer(address: string, timeoutMs: number): ZmqEchoError {
  return new ZmqEchoError("deadline_exceeded", `no answer from ${address} within ${timeoutMs} ms`);
}

/** Looks why none of the addresses could be used. Past the deadline there is time for a glance only. */
async function explain(
  { addresses, limits }: ReqOptions,
  { timeoutMs }: Exchange,
  expired: boolean,
): Promise<ZmqEchoError> {
  const reasons = await Promise.all(addresses.map((address) => diagnose(address, expired ? 250 : limits.handshakeMs)));
  const tried = expired ? ` (tried for ${timeoutMs} ms)` : "";
  return new ZmqEchoError("unavailable", reasons.join("; ") + tried);
}
