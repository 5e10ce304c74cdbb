/** An endpoint on a ZeroMQ socket, for REQ clients and whoever speaks like one. */
import type { Context } from "zeromq";
import type { Core, Transport } from "../../core/call.ts";
import type { KeyPair } from "../../curve/pair.ts";
import type { Log } from "../../handler.ts";
import type { MessageLimits } from "../../wire/limits.ts";
import { type Attached, attach, needsIpv6, type Places } from "./attach.ts";
import { type Answerer, createAnswerer, type Framing } from "./framing.ts";
import { watchNewcomers } from "./newcomers.ts";
import { createRouterLoop } from "./router.ts";
import type { Domain } from "./zap.ts";

export interface ZmqOptions extends ZmqSettings {
  /** The config's name of the endpoint. */
  readonly endpoint: string;
  readonly places: Places;
  readonly socketLimits: { readonly maxMessageBytes: number; readonly handshakeMs: number; readonly lingerMs: number };
  /** The host's own context. */
  readonly context: Context;
  /** Of a server that asks for keys; who may connect is decided by ZAP, in a domain of the socket's own. */
  readonly keys?: ServerKeys | undefined;
  readonly log: Log;
}

export interface ServerKeys {
  readonly pair: KeyPair;
  /** As {@link Domain} has it. */
  readonly domain: string;
}

/** What may change while the socket is open; it counts for the messages that are read from then on. */
export interface ZmqSettings {
  readonly framing: Framing;
  /** Whether the next request is read only when the one before is answered, as a REP does, or calls run side by side. */
  readonly lockStep: boolean;
  readonly limits: MessageLimits;
}

export interface ZmqTransport extends Transport {
  configure(settings: ZmqSettings): void;
  /** Replies that no peer took, so far. */
  dropped(): number;
}

/** A drain is over when nothing came for this long, */
const SILENCE_MS = 50;
/** or after this long, however busy it is. */
const LONGEST_WAIT_FOR_SILENCE_MS = 500;

export function createZmqTransport(options: ZmqOptions): ZmqTransport {
  const { endpoint, places, socketLimits, log } = options;
  let settings: ZmqSettings = options;
  let core: Core | undefined;
  let answerer: Answerer;
  let attached: Attached | undefined;

  const loop = createRouterLoop({
    socketOptions: {
      context: options.context,
      linger: socketLimits.lingerMs,
      handshakeInterval: socketLimits.handshakeMs,
      // Up to twice the limit a message gets an answer that says so; beyond it libzmq cuts the connection.
      maxMessageSize: socketLimits.maxMessageBytes * 2,
      // libzmq's 100 loses clients that connect at the same moment.
      backlog: 4096,
      ipv6: needsIpv6(places),
      ...(options.keys !== undefined && curveOptions(options.keys)),
    },
    lockStep: () => settings.lockStep,
    answerer: () => answerer,
    endpoint,
    log,
  });

  return {
    async open(): Promise<readonly string[]> {
      try {
        attached = await attach(loop.socket, places);
      } catch (error) {
        loop.socket.close();
        throw error;
      }
      return attached.addresses;
    },

    serve(served: Core): void {
      core = served;
      answerer = createAnswerer(served, settings.framing, settings.limits);
      loop.run();
    },

    configure(next) {
      settings = next;
      if (core !== undefined) answerer = createAnswerer(core, next.framing, next.limits);
    },

    dropped: loop.dropped,

    async stopReading(): Promise<void> {
      // An endpoint that a reload closes may be there already when its host stops.
      if (loop.socket.closed) return;
      const from = performance.now();
      const newcomers = watchNewcomers(loop.socket);
      for (;;) {
        const now = performance.now();
        const lastAt = newcomers.onTheWay() > 0 ? now : newcomers.lastSeenAt();
        const silentFor = now - Math.max(from, lastAt, loop.lastActiveAt());
        const left = Math.min(SILENCE_MS - silentFor, LONGEST_WAIT_FOR_SILENCE_MS - (now - from));
        if (left <= 0) return;
        await new Promise((resolve) => setTimeout(resolve, Math.ceil(left)));
      }
    },

    async close(): Promise<void> {
      // Before the socket closes: afterwards somebody else may own the path already.
      attached?.removeFiles();
      await loop.stop();
    },
  };
}

/** All or nothing: CURVE without an enforced domain takes any key, and so does one that is enforced and has no name. */
export function curveOptions({ pair, domain }: ServerKeys) {
  if (domain === "") throw new Error("a domain of ZAP needs a name");
  return {
    curveServer: true,
    curvePublicKey: pair.publicKey,
    curveSecretKey: pair.secretKey,
    zapDomain: domain,
    zapEnforceDomain: true,
  };
}
