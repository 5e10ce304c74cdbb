/** What ended when: counts for equal stretches of time, in memory that does not grow with the length of the run. */
import { type IntervalFigures, rounded } from "./figures.ts";

export interface Intervals {
  /** @param atMs since the beginning of what is measured */
  add(atMs: number, latencyMs: number | undefined): void;
  figures(elapsedMs: number): IntervalFigures[];
}

interface Counts {
  ok: number;
  failed: number;
  sumMs: number;
  maxMs: number;
}

const FIRST_LENGTH_MS = 100;
/** Beyond these, two become one. */
const MOST_INTERVALS = 64;

export function createIntervals(): Intervals {
  let lengthMs = FIRST_LENGTH_MS;
  let all: Counts[] = [];

  /** Makes room up to a time. */
  function reach(atMs: number): Counts {
    while (atMs >= lengthMs * MOST_INTERVALS) {
      lengthMs *= 2;
      all = Array.from({ length: Math.ceil(all.length / 2) }, (_, index) => sumOf(all[index * 2], all[index * 2 + 1]));
    }
    const index = Math.floor(atMs / lengthMs);
    while (all.length <= index) all.push({ ok: 0, failed: 0, sumMs: 0, maxMs: 0 });
    return all[index] ?? { ok: 0, failed: 0, sumMs: 0, maxMs: 0 };
  }

  /** The last requests end a moment after the time is over; a rate over that moment would be an accident. */
  function mergeSliver(elapsedMs: number): void {
    if (all.length < 2 || elapsedMs - (all.length - 1) * lengthMs >= lengthMs / 2) return;
    const last = all.pop();
    all.push(sumOf(all.pop(), last));
  }

  return {
    add(atMs, latencyMs) {
      const counts = reach(atMs);
      if (latencyMs === undefined) {
        counts.failed++;
        return;
      }
      counts.ok++;
      counts.sumMs += latencyMs;
      if (latencyMs > counts.maxMs) counts.maxMs = latencyMs;
    },
    figures(elapsedMs) {
      if (elapsedMs <= 0) return [];
      reach(elapsedMs);
      mergeSliver(elapsedMs);
      return all.map(({ ok, failed, sumMs, maxMs }, index) => {
        const length = index === all.length - 1 ? elapsedMs - index * lengthMs : lengthMs;
        return {
          fromMs: index * lengthMs,
          lengthMs: rounded(length),
          ok,
          failed,
          rps: rounded((ok * 1000) / length),
          failedPerSecond: rounded((failed * 1000) / length),
          meanMs: ok === 0 ? null : rounded(sumMs / ok),
          maxMs: ok === 0 ? null : rounded(maxMs),
        };
      });
    },
  };
}

function sumOf(one: Counts | undefined, other: Counts | undefined): Counts {
  return {
    ok: (one?.ok ?? 0) + (other?.ok ?? 0),
    failed: (one?.failed ?? 0) + (other?.failed ?? 0),
    sumMs: (one?.sumMs ?? 0) + (other?.sumMs ?? 0),
    maxMs: Math.max(one?.maxMs ?? 0, other?.maxMs ?? 0),
  };
}
