/** Clients that ask all the time while something goes wrong: each call has a number, and every end is counted. */
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { Dealer } from "zeromq";
import { type ClientOptions, createClient, ZmqEchoError } from "zmqecho";

/** How a call ended that got no reply of its own. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly tookMs: number;
}

export interface Load {
  /** Calls that got their own number back. */
  ok(): number;
  /** Replies with another number than was asked with; there must be none. */
  foreign(): number;
  readonly failures: readonly Failure[];
  /** Resolves when so many more than now have been served. */
  served(more: number): Promise<void>;
  /** Asks nothing more, and resolves when all calls have ended. */
  stop(): Promise<void>;
}

export interface LoadOptions extends Omit<ClientOptions, "codec"> {
  /** Calls at once. */
  readonly lanes: number;
  /** By name, instead of plain requests. */
  readonly handler?: string;
  /** Between two calls of a lane. */
  readonly pauseMs?: number;
}

/** However a test goes wrong, this ends its load. */
const MOST_CALLS = 200_000;

export function startLoad({ lanes, handler, pauseMs = 2, ...options }: LoadOptions): Load {
  const client = createClient({ ...options, codec: "json" });
  onTestFinished(() => client.close());
  const failures: Failure[] = [];
  let sent = 0;
  let ok = 0;
  let foreign = 0;
  let isOver = false;
  let look = (): void => {};

  async function lane(): Promise<void> {
    while (!isOver && sent < MOST_CALLS) {
      const number = sent++;
      const from = performance.now();
      try {
        const reply = await (handler === undefined ? client.request(number) : client.call(handler, number));
        if (reply === number) ok++;
        else foreign++;
      } catch (error) {
        if (!ZmqEchoError.is(error)) throw error;
        failures.push({ code: error.code, message: error.message, tookMs: performance.now() - from });
      }
      look();
      await delay(pauseMs);
    }
  }

  const running = Array.from({ length: lanes }, lane);
  return {
    ok: () => ok,
    foreign: () => foreign,
    failures,
    served: (more) =>
      new Promise((resolve) => {
        const wanted = ok + more;
        look = () => {
          if (ok >= wanted) resolve();
        };
      }),
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}

export function codesOf({ failures }: Load): string[] {
  return [...new Set(failures.map(({ code }) => code))].sort();
}

/** A DEALER that speaks as a REQ, connects again by itself, and counts the replies to each of its requests. */
export interface BareLoad {
  /** Replies by how often each request had one. */
  repliesPerRequest(): ReadonlyMap<number, number>;
  /** Replies that are not what was asked with their envelope. */
  foreign(): number;
  close(): Promise<void>;
}

export function startBareLoad(address: string, everyMs = 2): BareLoad {
  const socket = new Dealer({ linger: 0, reconnectInterval: 50, sendTimeout: 0 });
  socket.connect(address);
  const replies = new Map<number, number>();
  let sent = 0;
  let foreign = 0;
  const asking = setInterval(() => {
    const number = String(sent++);
    // Nobody is there, and its queue is full: then it is not sent.
    socket.send([number, "", number]).catch(() => {});
  }, everyMs);
  const reading = (async () => {
    for await (const [id, , body] of socket) {
      // The host may refuse one, since all that could not be sent meanwhile comes at once.
      if (String(id) !== String(body) && !String(body).startsWith("ZEP1 ")) foreign++;
      else replies.set(Number(id), (replies.get(Number(id)) ?? 0) + 1);
    }
  })();
  async function close(): Promise<void> {
    clearInterval(asking);
    socket.close();
    await reading;
  }
  onTestFinished(close);
  return {
    repliesPerRequest: () => {
      const counts = new Map<number, number>();
      for (const times of replies.values()) counts.set(times, (counts.get(times) ?? 0) + 1);
      return counts;
    },
    foreign: () => foreign,
    close,
  };
}
