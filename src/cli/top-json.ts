/** What `zmqecho top -o json` prints: a document for each look, in one line. */
import type { Found, Interval, Latency, Row, Traffic } from "./top-interval.ts";

export function intervalJson({ at, interval, error }: Found): string {
  const time = at.toISOString();
  if (error !== undefined) return JSON.stringify({ time, error: { code: error.code, message: error.message } });
  return JSON.stringify({ time, ...documentOf(interval) });
}

function documentOf({ ms, since, uptimeMs, reloads, total, endpoints, handlers }: Interval): object {
  return {
    since,
    intervalMs: ms,
    uptimeMs,
    reloads,
    ...trafficOf(total),
    endpoints: byName(endpoints),
    handlers: byName(handlers),
  };
}

function byName(rows: readonly Row[]): object {
  return Object.fromEntries(
    rows.map(({ name, p50, p90, p99, requests, perSecond, errorsPerSecond, errors, ...rest }) => {
      const latency = { p50Ms: msOf(p50), p90Ms: msOf(p90), p99Ms: msOf(p99) };
      return [name, { ...trafficOf({ requests, perSecond, errorsPerSecond, errors }), ...latency, ...rest }];
    }),
  );
}

function trafficOf({ requests, perSecond, errorsPerSecond, errors }: Traffic): object {
  return { requests, requestsPerSecond: rounded(perSecond), errorsPerSecond: rounded(errorsPerSecond), errors };
}

/** Null if there were none; what took longer than the last bucket's bound is that bound. */
function msOf(latency: Latency): number | null {
  return latency === undefined ? null : rounded(latency.ms);
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
