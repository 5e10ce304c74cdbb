/** Runs the load: so many connections with so many requests in flight on each, until the pace says that it is over. */
import type { Client } from "../client/client.ts";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Pace } from "./pace.ts";

/** One request that has come to its end. Times are `performance.now()`. */
export interface Attempt {
  /** When it should have gone: in a closed loop that is when it did. */
  readonly due: number;
  readonly sent: number;
  readonly ended: number;
  /** Absent if it succeeded. */
  readonly error?: ZmqEchoError;
}

export interface LoadOptions {
  /** One for each connection. They are closed at the end. */
  readonly clients: readonly Client[];
  /** Requests under way at once, on each connection. */
  readonly inFlight: number;
  readonly pace: Pace;
  /** Sent in turn. */
  readonly bodies: readonly Body[];
  /** Sends one body; throws what the call failed with. */
  readonly exchange: (client: Client, body: Body) => Promise<unknown>;
  /** Is told each end as it comes, whether it is measured or not. */
  readonly onEnd: (attempt: Attempt) => void;
  /** When no more requests go; nobody sleeps past it. */
  readonly endsAt?: number | undefined;
  /** Set if nothing else ends the run: how long a server may be away before it is taken for gone. */
  readonly awayMs?: number | undefined;
}

export interface Load {
  /** Resolves at the end. Rejects with the reason if the first request finds nobody, or for a bug. */
  readonly done: Promise<void>;
  /** Ends it now; requests that are under way are given up. */
  stop(): void;
  /** How many were under way when it was stopped. */
  unanswered(): number;
}

/** Nobody is there for the next one either; between these a pause grows from the first to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;

export function startLoad(options: LoadOptions): Load {
  const { clients, inFlight, pace, bodies, exchange, onEnd, endsAt, awayMs = Number.POSITIVE_INFINITY } = options;
  const sleepers = new Set<() => void>();
  let next = 0;
  let stopped = false;
  let unanswered = 0;
  /** When somebody answered last; undefined before the first time. */
  let answeredAt: number | undefined;

  async function attempt(client: Client): Promise<ZmqEchoError | undefined> {
    const body = bodies[next++ % bodies.length] ?? [];
    try {
      await exchange(client, body);
      return undefined;
    } catch (error) {
      if (isOutOfFiles(error)) throw new ZmqEchoError("resource_exhausted", OUT_OF_FILES, { cause: error });
      if (ZmqEchoError.is(error)) return error;
      throw error;
    }
  }

  /** What one place in flight does, from the beginning to the end. */
  async function work(client: Client): Promise<void> {
    for (let lost = 0; ; ) {
      const due = await pace.take();
      if (due === undefined) return;
      const sent = performance.now();
      const error = await attempt(client);
      if (stopped) {
        unanswered++;
        return;
      }
      const ended = performance.now();
      if (error === undefined || !isAway(error)) {
        lost = 0;
        answeredAt = ended;
        onEnd({ due, sent, ended, ...(error !== undefined && { error }) });
        continue;
      }
      if (answeredAt === undefined) throw error;
      onEnd({ due, sent, ended, error });
      if (ended - answeredAt > awayMs) endPace(true);
      else await sleep(untilEnd(ended, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(lost++, 10))));
    }
  }

  function untilEnd(now: number, ms: number): number {
    return endsAt === undefined || now >= endsAt ? ms : Math.min(ms, endsAt - now);
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      sleepers.add(wake);
    });
  }

  function endPace(forGood: boolean): void {
    pace.stop(forGood);
    for (const wake of sleepers) wake();
  }

  function stop(): void {
    stopped = true;
    endPace(false);
    for (const client of clients) void client.close();
  }

  async function run(): Promise<void> {
    // Place by place over all connections, so that a low rate reaches each of them.
    const places = Array.from({ length: inFlight }, () => clients.map(work)).flat();
    try {
      await Promise.all(places);
    } finally {
      stop();
      await Promise.allSettled(places);
    }
  }

  return { done: run(), stop, unanswered: () => unanswered };
}

const OUT_OF_FILES =
  "this process may open no more files, of which each connection takes several; ask for fewer, or raise ulimit -n";

/** As libzmq says it, whatever the client made of that. */
function isOutOfFiles(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as NodeJS.ErrnoException).code === "EMFILE") return true;
  }
  return false;
}

/** Nobody there, or nobody who would have us: told at once, so that a loop would spin on it. */
function isAway({ code }: ZmqEchoError): boolean {
  return code === "unavailable" || code === "unauthenticated";
}
