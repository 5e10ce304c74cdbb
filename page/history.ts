/** What the last ten minutes were like, of all endpoints, of each, and of each handler: from counters, as they come each second. */
import type { CallCounts } from "../src/counts.ts";
import type { HostStats } from "../src/wire/introspection.ts";
import { quantileOf } from "./quantile.ts";

export interface Point {
  /** Seconds since the epoch. */
  readonly at: number;
  /** Requests a second that were answered ok, and others. */
  readonly ok: number;
  readonly failed: number;
  /** Milliseconds, of the last seconds; absent if nothing ended in them. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

export interface Now extends Point {
  readonly total: number;
  readonly failures: number;
}

export interface History {
  /** @param at milliseconds since the epoch */
  add(stats: HostStats, at: number): void;
  /** The oldest first. */
  points(subject: string): readonly Point[];
  /** The last of them, and the counts since the host's start. */
  now(subject: string): Now;
  clear(): void;
}

export const ALL = "all";
export const endpointSubject = (name: string): string => `endpoint ${name}`;
export const handlerSubject = (name: string): string => `handler ${name}`;

const MOST_POINTS = 600;
/** How many seconds a latency is of: a quantile of fewer requests jumps. */
const WINDOW = 10;

interface Sample {
  readonly uptimeMs: number;
  readonly ok: number;
  readonly failed: number;
  readonly buckets: readonly number[];
}

interface Track {
  readonly points: Point[];
  readonly samples: Sample[];
}

export function createHistory(): History {
  let tracks = new Map<string, Track>();

  function add(stats: HostStats, at: number): void {
    const { endpoints, handlers, uptimeMs, latencyBoundsMs } = stats;
    const subjects: [string, CallCounts][] = [
      [ALL, sumOf(Object.values(endpoints))],
      ...Object.entries(endpoints).map(([name, counts]): [string, CallCounts] => [endpointSubject(name), counts]),
      ...Object.entries(handlers).map(([name, counts]): [string, CallCounts] => [handlerSubject(name), counts]),
    ];
    const next = new Map<string, Track>();
    for (const [subject, counts] of subjects) {
      const track = tracks.get(subject) ?? { points: [], samples: [] };
      follow(track, sampleOf(counts, uptimeMs), latencyBoundsMs, at);
      next.set(subject, track);
    }
    // What is gone is forgotten.
    tracks = next;
  }

  return {
    add,
    points: (subject) => tracks.get(subject)?.points ?? [],
    now(subject) {
      const track = tracks.get(subject);
      const point = track?.points.at(-1) ?? { at: 0, ok: 0, failed: 0, p50: undefined, p99: undefined };
      const { ok = 0, failed = 0 } = track?.samples.at(-1) ?? {};
      return { ...point, total: ok + failed, failures: failed };
    },
    clear() {
      tracks = new Map();
    },
  };
}

function follow({ points, samples }: Track, sample: Sample, bounds: readonly number[], at: number): void {
  const before = samples.at(-1);
  // A stream that begins anew repeats what was told a moment ago.
  if (before !== undefined && sample.uptimeMs - before.uptimeMs < 200) return;
  samples.push(sample);
  if (samples.length > WINDOW + 1) samples.shift();
  if (before === undefined) return;
  const seconds = (sample.uptimeMs - before.uptimeMs) / 1000;
  const first = samples[0] ?? before;
  const buckets = sample.buckets.map((count, index) => Math.max(0, count - (first.buckets[index] ?? 0)));
  points.push({
    at: at / 1000,
    ok: Math.max(0, sample.ok - before.ok) / seconds,
    failed: Math.max(0, sample.failed - before.failed) / seconds,
    p50: quantileOf(bounds, buckets, 0.5),
    p99: quantileOf(bounds, buckets, 0.99),
  });
  if (points.length > MOST_POINTS) points.shift();
}

function sampleOf({ codes, latency }: CallCounts, uptimeMs: number): Sample {
  const all = Object.values(codes).reduce((sum, count) => sum + count, 0);
  const ok = codes.ok ?? 0;
  return { uptimeMs, ok, failed: all - ok, buckets: latency.buckets };
}

export function sumOf(all: readonly CallCounts[]): CallCounts {
  const codes: Record<string, number> = {};
  const buckets: number[] = [];
  for (const each of all) {
    for (const [code, count] of Object.entries(each.codes)) codes[code] = (codes[code] ?? 0) + count;
    for (const [index, count] of each.latency.buckets.entries()) buckets[index] = (buckets[index] ?? 0) + count;
  }
  return { codes, latency: { buckets, sumMs: 0 } };
}
