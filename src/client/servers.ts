/**
 * The servers of a client, one or several that are alike: which of them gets a request, and why none does. Requests go to
 * the one with the fewest in flight, in turn where they have as many; one that fails is passed over for a while.
 */
import type { Body } from "../codecs/codec.ts";
import { textOf, ZmqEchoError } from "../errors.ts";
import { type MessageLimits, overLimit } from "../wire/limits.ts";
import type { Connection, ConnectionLimits } from "./connection.ts";
import { createLookWhy, errorFrom, isForKeys } from "./diagnose.ts";
import { Server, type ServerOptions, type Waiter } from "./server.ts";
import { pause, type Wait, waitFor } from "./wait.ts";

export interface ServersOptions<Kind extends string> extends ServerOptions<Kind> {
  /** Where the servers may be reached; one that does not answer the handshake is passed over. */
  readonly addresses: readonly string[];
  readonly limits: MessageLimits & ConnectionLimits;
  /** Go on trying until the deadline when nobody is there, instead of failing at once. */
  readonly persistent: boolean;
}

/** Sees each message as it leaves and as it arrives. */
export type FramesListener = (direction: "sent" | "received", frames: Body) => void;

export interface Servers<Kind extends string> {
  /**
   * Sends one message and resolves with the frames of its reply. Rejects with `unavailable` (nobody there, or the
   * connection was lost), `unauthenticated` (the keys are not right), `deadline_exceeded`, `canceled`, or
   * `resource_exhausted` for a reply over the limits, or when no socket is left.
   */
  exchange(kind: Kind, frames: Body, wait: Wait, onFrames?: FramesListener): Promise<Body>;
  /** A connection to one of them that is up. Rejects with `unavailable`, `unauthenticated` or `canceled`. */
  connect(kind: Kind, wait: Wait): Promise<Connection>;
  close(): void;
}

/** How long an address has the field to itself before the next one is tried beside it. */
const HEAD_START_MS = 300;
/** How long to look for the reason once the deadline has passed. */
const GLANCE_MS = 100;
/** Between two rounds over the addresses when told to go on trying. */
const ROUND_PAUSE_MS = 100;

export function createServers<Kind extends string>(options: ServersOptions<Kind>): Servers<Kind> {
  const { addresses, limits, curve, persistent } = options;
  const servers = addresses.map((address) => new Server(address, options));
  let turn = 0;
  const lookWhy = createLookWhy(servers, curve);

  async function exchange(kind: Kind, frames: Body, wait: Wait, onFrames?: FramesListener): Promise<Body> {
    const connection = ready(kind) ?? (await connect(kind, wait));
    onFrames?.("sent", frames);
    const reply = await connection.roundTrip(frames, wait);
    onFrames?.("received", reply);
    const tooLarge = overLimit(reply, limits);
    if (tooLarge !== undefined) throw tooLarge;
    return reply;
  }

  /** Nothing to choose and nothing to wait for, as with most calls. */
  function ready(kind: Kind): Connection | undefined {
    const [only] = servers.length === 1 ? servers : [];
    return only?.ready(kind);
  }

  async function connect(kind: Kind, wait: Wait): Promise<Connection> {
    for (let round = 0; ; round++) {
      try {
        if (round > 0) await pause(ROUND_PAUSE_MS, wait, () => new NoPeer(true));
        return await firstToAnswer(kind, wait);
      } catch (error) {
        if (!(error instanceof NoPeer)) throw error;
        const over = error.expired || performance.now() + ROUND_PAUSE_MS >= wait.expiresAt;
        if (over || !persistent) {
          const tried = error.expired || persistent;
          const suffix = tried ? ` (tried for ${wait.timeoutMs} ms)` : "";
          const diagnoses = await lookWhy(wait, tried ? GLANCE_MS : limits.handshakeMs);
          const there = error.expired ? diagnoses.findIndex(({ isThere }) => isThere) : -1;
          throw there < 0 ? errorFrom(diagnoses, suffix) : tooSoon(addresses[there], wait);
        }
        if (servers.every((server) => server.mayNotHaveUs())) {
          const diagnoses = await lookWhy(wait, limits.handshakeMs);
          if (isForKeys(diagnoses)) throw errorFrom(diagnoses, "");
        }
      }
    }
  }

  /** Tries the servers in order, each with a head start on the next; one that fails gives way at once. */
  function firstToAnswer(kind: Kind, wait: Wait): Promise<Connection> {
    return waitFor(
      wait,
      () => new NoPeer(true),
      (waiting) => {
        const trying = new Map<Server<Kind>, Waiter>();
        const rest = inOrder(kind);
        let headStart: NodeJS.Timeout | undefined;

        function tryNext(): void {
          clearTimeout(headStart);
          const server = rest.shift();
          if (server === undefined) {
            if (trying.size === 0) waiting.reject(new NoPeer(false));
            return;
          }
          const waiter: Waiter = {
            up(connection) {
              trying.delete(server);
              // Whoever had a head start and did not use it is slow, if not gone.
              for (const slow of trying.keys()) slow.passOver();
              waiting.resolve(connection);
            },
            failed() {
              trying.delete(server);
              tryNext();
            },
          };
          trying.set(server, waiter);
          if (rest.length > 0) headStart = setTimeout(tryNext, HEAD_START_MS);
          try {
            server.enter(kind, waiter);
          } catch (cause) {
            // libzmq has no more sockets, or the system no more files. Another address needs one as well.
            const text = `no socket for ${server.address}: ${textOf(cause)}`;
            waiting.reject(new ZmqEchoError("resource_exhausted", text, { cause }));
          }
        }

        tryNext();
        return () => {
          clearTimeout(headStart);
          for (const [server, waiter] of trying) server.leave(kind, waiter);
        };
      },
    );
  }

  function inOrder(kind: Kind): Server<Kind>[] {
    const now = performance.now();
    const first = turn++ % servers.length;
    // Sorting keeps the order of those of one rank.
    return [...servers.slice(first), ...servers.slice(0, first)]
      .map((server) => ({ server, rank: server.rank(kind, now) }))
      .sort((one, other) => (one.rank === other.rank ? 0 : one.rank - other.rank))
      .map(({ server }) => server);
  }

  return {
    exchange,
    connect,
    close() {
      for (const server of servers) server.close();
    },
  };
}

/** The connection was on its way when the deadline passed. */
function tooSoon(address: string | undefined, { timeoutMs }: Wait): ZmqEchoError {
  return new ZmqEchoError("deadline_exceeded", `no connection to ${address} within ${timeoutMs} ms`);
}

/** Nobody answered the handshake. */
class NoPeer extends Error {
  readonly expired: boolean;

  constructor(expired: boolean) {
    super("nobody there");
    this.expired = expired;
  }
}
