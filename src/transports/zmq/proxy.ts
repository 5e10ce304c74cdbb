/**
 * A ROUTER for clients and a DEALER to their server, and every message between them as it came. The id that the ROUTER
 * puts in front of a request is one more frame of its envelope, so replies find their way back by themselves
 * (RFC 28, https://rfc.zeromq.org/spec/28/).
 */
import { setTimeout as delay } from "node:timers/promises";
import { Dealer, Router } from "zeromq";
import type { Log } from "../../handler.ts";
import { parseAddress } from "../../wire/address.ts";
import { type Attached, attach, needsIpv6 } from "./attach.ts";
import { giveBackContext, takeContext } from "./context.ts";
import { PASSING, readMessages } from "./loop.ts";

export interface ProxyOptions {
  readonly listen: string;
  readonly target: string;
  readonly handshakeMs: number;
  /** libzmq cuts the connection of who sends a larger frame. */
  readonly maxFrameBytes: number;
  /** Each message, the client's id first, and when it was read; it is on its way by then, and must not be changed. */
  readonly onRequest: (frames: readonly Uint8Array[], at: number) => void;
  readonly onReply: (frames: readonly Uint8Array[], at: number) => void;
  /** No further message is read before what it returns resolves; asked after each. */
  readonly hold: () => Promise<void> | undefined;
  /** Whether the target has answered the handshake; told when it changes. */
  readonly onTarget: (isThere: boolean) => void;
  readonly log: Pick<Log, "error">;
}

export interface Proxy {
  /** Binds and connects; resolves with the real address. Rejects with a `ZmqEchoError` that says why it can't be had. */
  open(): Promise<string>;
  /** Begins to pass on. What came since `open` has waited. */
  run(): void;
  /** Replies that could not be handed over: their clients have gone, or take nothing. */
  dropped(): number;
  /** Passes on what has reached it, no requests after that, and closes once `isSettled`, or after a second. */
  stop(isSettled: () => boolean): Promise<void>;
}

/** Messages that wait in a socket, each way and peer. When they are as many, the other side is not read. */
const HIGH_WATER_MARK = 256;

/** How long all wait for one client that takes no replies. Its further ones are dropped at once until it does. */
const PATIENCE_MS = 2000;
const RETRY_MS = 5;

const LONGEST_STOP_MS = 1000;
/** Of it, for requests that are still coming in. */
const LAST_REQUESTS_MS = 100;
const LOOK_MS = 2;
/** More, with something unsent, and libzmq warns on stderr. */
const LINGER_MS = 500;

export function createProxy(options: ProxyOptions): Proxy {
  const { listen, target, onRequest, onReply, hold, log } = options;
  const context = takeContext();
  const places = { bind: [listen], connect: [], ipcMode: 0o700 };
  const shared = {
    context,
    linger: LINGER_MS,
    handshakeInterval: options.handshakeMs,
    maxMessageSize: options.maxFrameBytes,
    sendHighWaterMark: HIGH_WATER_MARK,
    receiveHighWaterMark: HIGH_WATER_MARK,
  };
  const clients = new Router({
    ...shared,
    // A reply that can't be queued at once says so, instead of vanishing.
    mandatory: true,
    sendTimeout: 0,
    backlog: 4096,
    ipv6: needsIpv6(places),
  });
  const server = new Dealer({ ...shared, ipv6: target.startsWith("tcp://[") });
  const reading: Promise<void>[] = [];
  /** Clients that had their time. */
  const stuck = new Set<string>();
  let attached: Attached | undefined;
  let dropped = 0;
  let isFrozen = false;
  let thaw: () => void = () => {};
  const frozen = new Promise<void>((resolve) => {
    thaw = resolve;
  });

  async function pass(frames: Buffer[]): Promise<void> {
    for (;;) {
      try {
        return await server.send(frames);
      } catch (error) {
        if (server.closed) return;
        if (!PASSING.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      }
    }
  }

  async function handBack(frames: Buffer[], at: number): Promise<void> {
    for (;;) {
      try {
        await clients.send(frames);
        if (stuck.size > 0) stuck.delete(nameOf(frames));
        return;
      } catch (error) {
        if (clients.closed) return;
        const isFull = PASSING.has((error as NodeJS.ErrnoException).code ?? "");
        if (!isFull || stuck.has(nameOf(frames)) || performance.now() - at > PATIENCE_MS) {
          dropped++;
          if (isFull) stuck.add(nameOf(frames));
          return;
        }
        await delay(RETRY_MS);
      }
    }
  }

  /** What is under way is told of after it was sent, so that nobody waits for that. */
  const both = async (sent: Promise<void>, tell: () => void): Promise<void> => {
    try {
      tell();
    } finally {
      await sent;
    }
    await hold();
  };

  return {
    async open() {
      try {
        attached = await attach(clients, places);
        server.events.on("handshake", () => options.onTarget(true));
        server.events.on("disconnect", () => options.onTarget(false));
        server.events.on("connect:retry", () => options.onTarget(false));
        server.connect(parseAddress(target, "connect").text);
        return attached.addresses[0] ?? listen;
      } catch (error) {
        attached?.removeFiles();
        clients.close();
        server.close();
        giveBackContext(context);
        throw error;
      }
    },

    run() {
      const requests = readMessages(clients, log, (frames, at) =>
        isFrozen ? frozen : both(pass(frames), () => onRequest(frames, at)),
      );
      const replies = readMessages(server, log, (frames, at) => both(handBack(frames, at), () => onReply(frames, at)));
      reading.push(requests, replies);
    },

    dropped: () => dropped,

    async stop(isSettled) {
      const from = performance.now();
      const within = (ms: number) => performance.now() - from < ms;
      // What the reader has taken is under way a moment later only, so one look is not enough.
      for (let calm = 0; calm < 2 && within(LAST_REQUESTS_MS); calm = clients.readable ? 0 : calm + 1) {
        await delay(LOOK_MS);
      }
      isFrozen = true;
      while (within(LONGEST_STOP_MS) && (!isSettled() || server.readable)) await delay(LOOK_MS);
      // Before the socket closes: afterwards somebody else may own the path already.
      attached?.removeFiles();
      clients.close();
      server.close();
      thaw();
      await Promise.all(reading);
      giveBackContext(context);
    },
  };
}

function nameOf([id]: readonly Uint8Array[]): string {
  return Buffer.from(id ?? []).toString("latin1");
}
