/**
 * One request at a time, to whichever of some addresses answers: with what a bare REQ lacks, a deadline, a reason when
 * it fails, and a fresh socket after a failure.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import { type MessageLimits, overLimit } from "../wire/limits.ts";
import { type Connection, type ConnectionLimits, openConnection } from "./connection.ts";
import { diagnose, LONGEST_LOOK_MS } from "./diagnose.ts";
import { type Wait, waitFor } from "./wait.ts";

export interface ReqOptions {
  /** Where the server may be reached; one that does not answer the handshake is passed over. */
  readonly addresses: readonly string[];
  readonly limits: MessageLimits & ConnectionLimits;
  /** Go on trying until the deadline when nobody is there, instead of failing at once. */
  readonly persistent: boolean;
}

/** Sees each message as it leaves and as it arrives. */
export type FramesListener = (direction: "sent" | "received", frames: Body) => void;

export interface Req {
  /**
   * Sends one message and resolves with the frames of its reply; not to be called again before that.
   * Rejects with `unavailable` (nobody there, or the connection was lost), `deadline_exceeded`, `canceled`, or
   * `resource_exhausted` for a reply over the limits.
   */
  exchange(frames: Body, wait: Wait, onFrames?: FramesListener): Promise<Body>;
  close(): void;
}

/** How long an address has the field to itself before the next one is tried beside it. */
const HEAD_START_MS = 300;
/** How long to look for the reason once the deadline has passed. */
const GLANCE_MS = 100;
/** Between two rounds over the addresses when told to go on trying. */
const ROUND_PAUSE_MS = 100;

export function createReq(options: ReqOptions): Req {
  const { limits } = options;
  let connection: Connection | undefined;

  async function exchange(frames: Body, wait: Wait, onFrames?: FramesListener): Promise<Body> {
    // One that broke while nobody used it has lost nothing.
    if (connection?.isBroken()) close();
    connection ??= await connect(options, wait);
    const used = connection;
    let reply: Body;
    onFrames?.("sent", frames);
    try {
      reply = await used.roundTrip(frames, wait);
    } catch (error) {
      used.close();
      if (connection === used) connection = undefined;
      throw error;
    }
    onFrames?.("received", reply);
    const tooLarge = overLimit(reply, limits);
    if (tooLarge !== undefined) throw tooLarge;
    return reply;
  }

  function close(): void {
    connection?.close();
    connection = undefined;
  }

  return { exchange, close };
}

/** Nobody answered the handshake. */
class NoPeer extends Error {
  readonly expired: boolean;

  constructor(expired: boolean) {
    super("nobody there");
    this.expired = expired;
  }
}

async function connect(options: ReqOptions, wait: Wait): Promise<Connection> {
  const expired = () => new NoPeer(true);
  for (;;) {
    try {
      return await firstToAnswer(options, wait);
    } catch (error) {
      if (!(error instanceof NoPeer)) throw error;
      const over = error.expired || performance.now() + ROUND_PAUSE_MS >= wait.expiresAt;
      if (over || !options.persistent) throw await explain(options, wait, error.expired || options.persistent);
      await waitFor<void>(wait, expired, (resolve) => void delay(ROUND_PAUSE_MS).then(resolve));
    }
  }
}

/** Tries the addresses in order, each with a head start on the next; one that fails gives way at once. */
function firstToAnswer({ addresses, limits }: ReqOptions, wait: Wait): Promise<Connection> {
  return waitFor(
    wait,
    () => new NoPeer(true),
    (resolve, reject) => {
      const trying = new Set<Connection>();
      const rest = [...addresses];
      let headStart: NodeJS.Timeout | undefined;

      function tryNext(): void {
        clearTimeout(headStart);
        const address = rest.shift();
        if (address === undefined) {
          if (trying.size === 0) reject(new NoPeer(false));
          return;
        }
        const connection: Connection = openConnection(address, limits, {
          onUp() {
            trying.delete(connection);
            resolve(connection);
          },
          onFailed() {
            trying.delete(connection);
            connection.close();
            tryNext();
          },
        });
        trying.add(connection);
        if (rest.length > 0) headStart = setTimeout(tryNext, HEAD_START_MS);
      }

      tryNext();
      return () => {
        clearTimeout(headStart);
        for (const connection of trying) connection.close();
      };
    },
  );
}

/** Looks why none of the addresses could be used. Past the deadline there is time for a glance only. */
async function explain({ addresses, limits }: ReqOptions, wait: Wait, tried: boolean): Promise<Error> {
  const lookMs = tried ? GLANCE_MS : limits.handshakeMs;
  const looking = Promise.all(addresses.map((address) => diagnose(address, lookMs)));
  // It ends by itself; only the caller may be in a greater hurry.
  const unhurried = { ...wait, expiresAt: performance.now() + LONGEST_LOOK_MS * 2 };
  const reasons = await waitFor<string[]>(
    unhurried,
    () => new NoPeer(true),
    (resolve, reject) => void looking.then(resolve, reject),
  );
  const text = reasons.join("; ") + (tried ? ` (tried for ${wait.timeoutMs} ms)` : "");
  return new ZmqEchoError("unavailable", text);
}
