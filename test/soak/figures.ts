/** What was measured in a soak, stretch by stretch, and whether it grew. */
import { build, type Histogram } from "hdr-histogram-js";
import { type Footprint, footprintOf } from "../chaos/system.ts";

export interface Stretch {
  readonly fromS: number;
  readonly replies: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of the host: the least of each, since what passes adds to it for a while, as clients that come do, and what stays raises the least, too. */
  readonly host: Footprint;
}

export interface Figures {
  answered(ms: number): void;
  /** Looks at the host. */
  look(): void;
  /** Ends a stretch, and begins the next. */
  cut(): Stretch;
}

const MOST_MORE_MB = 20;
const MOST_TIMES_P99 = 2;
/** Below it a machine that is busy for a moment makes more of a difference than the host. */
const LEAST_P99_MS = 10;

const US_PER_MS = 1000;

export function createFigures(pid: number): Figures {
  const start = performance.now();
  let fromS = 0;
  let latencies: Histogram = build();
  let seen: Footprint[] = [];

  return {
    answered: (ms) => latencies.recordValue(Math.max(1, Math.round(ms * US_PER_MS))),
    look() {
      const now = footprintOf(pid);
      if (now === undefined) throw new Error("the host has ended");
      seen.push(now);
    },
    cut() {
      const least = (of: keyof Footprint): number => Math.min(...seen.map((footprint) => footprint[of]));
      const at = (percentile: number): number => latencies.getValueAtPercentile(percentile) / US_PER_MS;
      const stretch: Stretch = {
        fromS,
        replies: latencies.totalCount,
        p50Ms: at(50),
        p99Ms: at(99),
        maxMs: at(100),
        host: { rssMb: least("rssMb"), fds: least("fds"), threads: least("threads") },
      };
      fromS = Math.round((performance.now() - start) / 1000);
      latencies = build();
      seen = [];
      return stretch;
    },
  };
}

/** What is worse in the last stretch than in the first one given. Empty if all is well. */
export function worse(first: Stretch, last: Stretch): string[] {
  const found: string[] = [];
  const more = last.host.rssMb - first.host.rssMb;
  if (!(more <= MOST_MORE_MB)) found.push(`RSS grew by ${more} MB; ${MOST_MORE_MB} at most`);
  for (const what of ["fds", "threads"] as const) {
    if (last.host[what] > first.host[what]) found.push(`${what} grew from ${first.host[what]} to ${last.host[what]}`);
  }
  if (last.p99Ms > Math.max(LEAST_P99_MS, MOST_TIMES_P99 * first.p99Ms)) {
    found.push(`p99 was ${first.p99Ms} ms, and ${last.p99Ms} ms at the end; ${MOST_TIMES_P99} times as much at most`);
  }
  return found;
}

export function rowOf({ fromS, replies, p50Ms, p99Ms, maxMs, host }: Stretch): string {
  const cells = [
    `${fromS} s`,
    replies,
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    maxMs.toFixed(0),
    host.rssMb,
    host.fds,
    host.threads,
  ];
  return `| ${cells.join(" | ")} |`;
}

export const HEAD = [
  "| from | replies | p50 ms | p99 ms | max ms | RSS MB | files | threads |",
  "| --- | --- | --- | --- | --- | --- | --- | --- |",
].join("\n");
