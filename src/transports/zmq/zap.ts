/**
 * Answers libzmq when it asks whether a key may connect (ZAP, https://rfc.zeromq.org/spec/27/). One for a context, and there before
 * the first socket that asks; without it, or without an answer, nobody gets in, since domains are enforced.
 */
import { type Context, Router } from "zeromq";
import type { Log } from "../../handler.ts";
import { createTally } from "../../tally.ts";

/** Whether who has this public key, 32 bytes, may connect. */
export type IsAllowed = (key: Uint8Array) => boolean;

export interface Zap {
  /** Decides for one socket from now on. */
  decide(endpoint: string, isAllowed: IsAllowed): Domain;
  close(): Promise<void>;
}

/** Whom one socket lets in. */
export interface Domain {
  /** For the socket's `zapDomain`. No two have the same: an endpoint may have two sockets while it moves, each with its own keys. */
  readonly name: string;
  /** How many clients' keys were refused there so far. One who tries again counts again. */
  refused(): number;
  /** Nobody is answered from then on. */
  forget(): void;
}

interface Judge {
  readonly endpoint: string;
  readonly isAllowed: IsAllowed;
  refused: number;
}

const ADDRESS = "inproc://zeromq.zap.01";
const VERSION = "1.0";
const EMPTY = Buffer.alloc(0);
const KEY_BYTES = 32;

const LONGEST_WAIT_MS = 2000;

/** A socket gives back its address a moment after it was closed, and the one before in this context may just have been. */
async function bindSoon(socket: Router): Promise<void> {
  for (const until = performance.now() + LONGEST_WAIT_MS; ; ) {
    try {
      await socket.bind(ADDRESS);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || performance.now() > until) throw error;
      await new Promise(setImmediate);
    }
  }
}

export async function openZap(context: Context, log: Log): Promise<Zap> {
  const socket = new Router({ context, linger: 0 });
  await bindSoon(socket);
  const domains = new Map<string, Judge>();
  let made = 0;
  const refused = createTally((count) => log.warn({ count }, "refused clients whose keys are not allowed"));
  const ended = answer();

  async function answer(): Promise<void> {
    while (!socket.closed) {
      try {
        await answerOne(await socket.receive());
      } catch (err) {
        // Whoever asked gets no answer, and so does not let in; the next one is answered.
        if (!socket.closed) log.error({ err }, "a request of ZAP could not be answered");
      }
    }
  }

  async function answerOne(frames: Buffer[]): Promise<void> {
    const end = frames.findIndex((frame) => frame.length === 0) + 1;
    const [version = EMPTY, id = EMPTY, domain = EMPTY, address = EMPTY, , mechanism = EMPTY, key = EMPTY] =
      frames.slice(end);
    const judge = domains.get(domain.toString());
    // Its socket is being closed. Without an answer the client goes on to the next one; told no, libzmq's would never come again.
    if (judge === undefined) return;
    const isAllowed =
      version.toString() === VERSION && mechanism.toString() === "CURVE" && key.length === KEY_BYTES
        ? lets(judge, key)
        : false;
    if (!isAllowed) {
      refused.add(1);
      judge.refused++;
      log.debug({ endpoint: judge.endpoint, address: address.toString() }, "refused a client's key");
    }
    const [code, text] = isAllowed ? ["200", "OK"] : ["400", "this key is not allowed"];
    await socket.send([...frames.slice(0, end), VERSION, id, code, text, EMPTY, EMPTY]);
  }

  /** Whatever goes wrong is a no. */
  function lets(judge: Judge, key: Uint8Array): boolean {
    try {
      return judge.isAllowed(key);
    } catch (err) {
      log.error({ err, endpoint: judge.endpoint }, "a key could not be judged, so it is refused");
      return false;
    }
  }

  return {
    decide(endpoint, isAllowed) {
      const name = String(++made);
      const judge: Judge = { endpoint, isAllowed, refused: 0 };
      domains.set(name, judge);
      return { name, refused: () => judge.refused, forget: () => void domains.delete(name) };
    },
    async close() {
      refused.tell();
      socket.close();
      await ended;
    },
  };
}
