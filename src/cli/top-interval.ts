/** What a host did between two looks at its counts. The counts may be a stranger's: what is no number there counts as 0. */

import { isPlainObject } from "../config/path.ts";
import type { ZmqEchoError } from "../errors.ts";
import type { HostStats } from "../wire/introspection.ts";

/** Counts, and between which two moments they were taken, by the clock of `performance.now()` here. */
export interface Look {
  readonly stats: HostStats;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** What a look has found: what the host did since the one before, or why it does not say. */
export type Found = { readonly at: Date } & (
  | { readonly interval: Interval; readonly error?: undefined }
  | { readonly interval: undefined; readonly error: ZmqEchoError }
);

export interface Interval {
  /** Milliseconds, of the host's clock. */
  readonly ms: number;
  /** What the counts are since: the look before, the host's start as nothing was seen before it, or the start of another run of it. */
  readonly since: "look" | "start" | "restart";
  readonly uptimeMs: number;
  readonly reloads: { readonly done: number; readonly failed: number };
  readonly total: Traffic;
  readonly endpoints: readonly Row[];
  readonly handlers: readonly Row[];
}

export interface Traffic {
  /** How many ended. */
  readonly requests: number;
  readonly perSecond: number;
  readonly errorsPerSecond: number;
  /** How many ended with each error code; those that none did are absent. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface Row extends Traffic {
  readonly name: string;
  readonly p50: Latency;
  readonly p90: Latency;
  readonly p99: Latency;
  readonly inFlight: number;
  /** Of an endpoint, as are the next three. */
  readonly queued?: number;
  /** Calls that found no place, in the interval. */
  readonly refused?: number;
  /** Replies that no peer took, in the interval. */
  readonly droppedReplies?: number;
  /** Handshakes with keys that are not allowed, in the interval; absent if the host does not tell. */
  readonly refusedKeys?: number;
  /** Of a handler that runs in workers: how many live, and how many were lost since the host's start. */
  readonly workers?: { readonly live: number; readonly lost: number };
}

/** Milliseconds; undefined if there were none, `over` if all that is known is that it took longer. */
export type Latency = { readonly ms: number; readonly over: boolean } | undefined;

/** Two clocks do not run alike. */
const CLOCKS_DIFFER_BY = 0.001;
const ROUNDING_MS = 20;

export function intervalOf(before: Look | undefined, { stats, askedAt }: Look): Interval {
  const uptimeMs = numberOf(stats.uptimeMs);
  const uptimeThen = numberOf(before?.stats.uptimeMs);
  const passedMs = askedAt - (before?.answeredAt ?? askedAt);
  // Another run may be up longer by now than the one before it was.
  const leastUptime = uptimeThen + Math.max(0, passedMs * (1 - CLOCKS_DIFFER_BY) - ROUNDING_MS);
  const isSameRun = before !== undefined && uptimeMs >= leastUptime;
  const then = isSameRun ? before.stats : undefined;
  const ms = Math.max(1, isSameRun ? uptimeMs - uptimeThen : uptimeMs);
  const bounds = listOf(stats.latencyBoundsMs);
  const rows = (now: unknown, earlier: unknown) =>
    Object.entries(recordOf(now)).map(([name, counts]) =>
      rowOf(name, recordOf(counts), recordOf(recordOf(earlier)[name]), ms, bounds),
    );
  const endpoints = rows(stats.endpoints, then?.endpoints);
  return {
    ms,
    since: isSameRun ? "look" : before === undefined ? "start" : "restart",
    uptimeMs,
    reloads: { done: numberOf(stats.reloads?.done), failed: numberOf(stats.reloads?.failed) },
    total: trafficOf(sumOf(endpoints.map(({ errors, requests }) => ({ ...errors, ok: requests - sum(errors) }))), ms),
    endpoints,
    handlers: rows(stats.handlers, then?.handlers),
  };
}

type Counts = Readonly<Record<string, unknown>>;

function rowOf(name: string, now: Counts, before: Counts, ms: number, bounds: readonly number[]): Row {
  const codes = difference(recordOf(now.codes), recordOf(before.codes));
  const buckets = listOf(recordOf(now.latency).buckets).map((count, index) =>
    grown(count, listOf(recordOf(before.latency).buckets)[index]),
  );
  const workers = now.workers === undefined ? undefined : recordOf(now.workers);
  const counter = (key: string) => (now[key] === undefined ? {} : { [key]: grown(now[key], before[key]) });
  return {
    name,
    ...trafficOf(codes, ms),
    p50: latencyAt(0.5, buckets, bounds),
    p90: latencyAt(0.9, buckets, bounds),
    p99: latencyAt(0.99, buckets, bounds),
    inFlight: numberOf(now.inFlight),
    ...(now.queued !== undefined && { queued: numberOf(now.queued) }),
    ...counter("refused"),
    ...counter("droppedReplies"),
    ...counter("refusedKeys"),
    ...(workers !== undefined && { workers: { live: numberOf(workers.live), lost: numberOf(workers.lost) } }),
  };
}

function trafficOf(codes: Readonly<Record<string, number>>, ms: number): Traffic {
  const { ok: _, ...errors } = codes;
  const requests = sum(codes);
  const perSecond = (count: number) => (count / ms) * 1000;
  return { requests, perSecond: perSecond(requests), errorsPerSecond: perSecond(sum(errors)), errors };
}

/** By linear interpolation within the bucket that it falls into. */
export function latencyAt(share: number, buckets: readonly number[], bounds: readonly number[]): Latency {
  const rank = share * buckets.reduce((all, count) => all + count, 0);
  if (rank === 0) return undefined;
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    const upper = bounds[index];
    const lower = bounds[index - 1] ?? 0;
    if (upper === undefined) return { ms: lower, over: true };
    if (below + count >= rank) return { ms: lower + ((rank - below) / count) * (upper - lower), over: false };
    below += count;
  }
  return { ms: bounds.at(-1) ?? 0, over: true };
}

/** Those that have grown. */
function difference(now: Counts, before: Counts): Record<string, number> {
  const entries = Object.entries(now).map(([code, count]) => [code, grown(count, before[code])] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

/** A count that has become less has begun anew, as that of a handler that was gone for a while. */
function grown(now: unknown, before: unknown): number {
  const [count, earlier] = [numberOf(now), numberOf(before)];
  return count >= earlier ? count - earlier : count;
}

function sumOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = Object.create(null);
  for (const each of all)
    for (const [code, count] of Object.entries(each)) if (count > 0) total[code] = (total[code] ?? 0) + count;
  return total;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}

function recordOf(value: unknown): Counts {
  return isPlainObject(value) ? value : {};
}

function listOf(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.map(numberOf) : [];
}
