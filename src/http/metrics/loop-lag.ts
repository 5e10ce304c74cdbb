/** How late the event loop is: how much longer than asked for a timer waits, since the loop had other work. */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Seconds, since the last look or somewhat longer. */
export interface LoopLag {
  readonly mean: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoopWatch {
  look(): LoopLag;
  stop(): void;
}

/** The timer's own time, which is no lag. */
const EVERY_MS = 20;
/** Who looks soon after another sees what that one saw, and takes nothing from the next. */
const SHORTEST_SPAN_MS = 10_000;

export function watchLoop(): LoopWatch {
  const delays = monitorEventLoopDelay({ resolution: EVERY_MS });
  delays.enable();
  let from = performance.now();
  return {
    look() {
      const [mean, p99, max] = [delays.mean, delays.percentile(99), delays.max].map(secondsLate);
      if (performance.now() - from > SHORTEST_SPAN_MS) {
        delays.reset();
        from = performance.now();
      }
      return { mean: mean ?? 0, p99: p99 ?? 0, max: max ?? 0 };
    },
    stop: () => void delays.disable(),
  };
}

/** Before the first timer has fired there is no number. */
function secondsLate(ns: number): number {
  return Math.max(0, (ns || 0) / 1e9 - EVERY_MS / 1e3);
}
