/** When the next request goes: as soon as there is room (closed loop), or at its time, come what may (open loop). */
import { createBacklog } from "./backlog.ts";

/** Where a run begins to count, and where it ends. Times are `performance.now()`. */
export interface Span {
  /** Requests that go before this one are warm-up. */
  readonly measuredFrom: number;
  /** None goes at this time or later. */
  readonly endsAt?: number | undefined;
  /** So many are measured at most; those of the warm-up come on top. */
  readonly requests?: number | undefined;
}

export interface Pace {
  /** The time at which a request should go, once that time has come and it is the asker's turn; undefined at the end. */
  take(): number | undefined | Promise<number | undefined>;
  /** No request is handed out from now on; whoever waits for one is told the end. `forGood`: the server has gone, and what it was to get counts as not sent. */
  stop(forGood?: boolean): void;
  /** Measured requests that should have gone and could not. To be asked at the end. */
  notSent(): number;
}

/** The next request goes when the one before has come back, so a server that stalls is asked less while it does. */
export function createClosedPace({ measuredFrom, endsAt = Number.POSITIVE_INFINITY, requests }: Span): Pace {
  let left = requests ?? Number.POSITIVE_INFINITY;
  let stopped = false;
  let notSent = 0;
  return {
    take() {
      const now = performance.now();
      if (stopped || left <= 0 || now >= endsAt) return undefined;
      if (now >= measuredFrom) left--;
      return now;
    },
    stop(forGood = false) {
      stopped = true;
      if (forGood && requests !== undefined) notSent = left;
    },
    notSent: () => notSent,
  };
}

export interface OpenOptions extends Span {
  /** Requests a second. */
  readonly rate: number;
  /** When the first one is due. */
  readonly startsAt: number;
  /** How many may be due and wait for room; what comes beyond that is not sent. */
  readonly backlog: number;
}

/** After the end of the time, what is due already may still go for so long. */
const LAST_SENDING_MS = 1000;
/** A timer may be late by a millisecond and more; that much before the time it is the event loop that looks at the clock. */
const TIMER_SLACK_MS = 2;

/**
 * Requests are due at fixed times, whether or not the server keeps up. Each carries the time at which it was due, so
 * that waiting for a server that stalls counts as latency.
 */
export function createOpenPace(options: OpenOptions): Pace {
  const { rate, startsAt, measuredFrom, endsAt = Number.POSITIVE_INFINITY, requests, backlog: room } = options;
  const backlog = createBacklog(room);
  /** Who has room for a request and none to send. */
  const idle: ((due: number | undefined) => void)[] = [];
  let offered = 0;
  let measured = 0;
  let notSent = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;

  const due = (): number => startsAt + (offered * 1000) / rate;

  function tick(): void {
    const now = performance.now();
    let next = due();
    while (next <= now && next < endsAt && measured < (requests ?? Number.POSITIVE_INFINITY)) {
      offer(next);
      next = due();
    }
    if (now >= endsAt || measured === requests) {
      end();
      return;
    }
    const left = Math.min(next, endsAt) - performance.now();
    if (left > TIMER_SLACK_MS) timer = setTimeout(tick, left - TIMER_SLACK_MS / 2);
    else immediate = setImmediate(tick);
  }

  function offer(at: number): void {
    offered++;
    if (at >= measuredFrom) {
      // What the warm-up could not send is not to be waited for.
      if (measured++ === 0) giveUp();
    }
    const taker = idle.shift();
    if (taker !== undefined) taker(at);
    else if (!backlog.push(at)) omit(at);
  }

  function omit(at: number): void {
    if (at >= measuredFrom) notSent++;
  }

  function end(): void {
    ended = true;
    for (const taker of idle.splice(0)) taker(undefined);
    // By number they all go, however long it takes.
    if (requests === undefined && backlog.size > 0) timer = setTimeout(giveUp, LAST_SENDING_MS);
  }

  function giveUp(): void {
    for (let at = backlog.shift(); at !== undefined; at = backlog.shift()) omit(at);
  }

  tick();
  return {
    take() {
      const at = backlog.shift();
      if (at !== undefined) return at;
      if (!ended) return new Promise((resolve) => idle.push(resolve));
      // Nothing is left to give up, and nothing should keep the process waiting.
      clearTimeout(timer);
      return undefined;
    },
    stop(forGood = false) {
      clearTimeout(timer);
      clearImmediate(immediate);
      if (forGood && !ended && requests !== undefined) notSent += requests - measured;
      if (!ended) end();
      clearTimeout(timer);
      giveUp();
    },
    notSent: () => notSent,
  };
}
