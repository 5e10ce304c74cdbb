/**
 * A DEALER for servers that keep no REQ's envelope: what is sent are exactly the frames given, without a delimiter, under a
 * routing id of one's choice; what comes back is given as it is. Nothing ties a reply to a request, so the next message is it.
 */
import { Dealer } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { parseAddress } from "../wire/address.ts";
import { type CurveKeys, socketOptions } from "./connection.ts";
import { openInTurn } from "./req.ts";
import { createServers, type FramesListener } from "./servers.ts";
import { Waits } from "./wait.ts";

export interface BareDealerOptions {
  /** `tcp://HOST:PORT` or `ipc://PATH`, one or several that are alike. */
  readonly connect: readonly string[];
  /** Milliseconds for each exchange. */
  readonly timeoutMs: number;
  /** The routing id by which a ROUTER knows this socket: 1 to 255 bytes, the first of them not 0. Default: the ROUTER's choice. */
  readonly identity?: Uint8Array;
  /** For servers that ask for CURVE keys. */
  readonly curve?: CurveKeys | undefined;
  /** Keep trying until the timeout when nobody is there, instead of failing at once. */
  readonly wait: boolean;
  /** Sees each message as it leaves and arrives. */
  readonly onFrames?: FramesListener;
}

export interface BareDealer {
  /**
   * Sends one message and resolves with the next that comes; not to be called again before it has settled. Rejects with
   * `unavailable`, `unauthenticated`, `deadline_exceeded`, `canceled`, or `resource_exhausted` for a reply over the default limits.
   */
  exchange(frames: Body): Promise<Body>;
  /** Ends what is under way with `canceled`. */
  close(): void;
}

/** Connects when first used. Throws `invalid_argument` for an address that can't be used. */
export function createBareDealer(options: BareDealerOptions): BareDealer {
  const { connect, timeoutMs, identity, curve, wait, onFrames } = options;
  for (const address of connect) parseAddress(address, "connect");
  // Its type knows text alone; libzmq and the binding take bytes.
  const routingId = identity && { routingId: Buffer.from(identity) as unknown as string };
  const servers = createServers({
    addresses: connect,
    limits: { ...DEFAULTS.limits, maxInFlight: 1 },
    curve,
    persistent: wait,
    open: { bare: (to) => openInTurn(new Dealer({ ...socketOptions(to), ...routingId }), to) },
  });
  const waits = new Waits();
  return {
    exchange(frames) {
      const expiresAt = performance.now() + timeoutMs;
      return servers.exchange("bare", frames, { timeoutMs, expiresAt, waits }, onFrames);
    },
    close() {
      waits.close();
      servers.close();
    },
  };
}
