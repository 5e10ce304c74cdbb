/** Figures of a run that never was. */
import type { Figures } from "../../src/bench/figures.ts";

const LATENCY = { min: 0.5, mean: 1, p50: 1, p75: 2, p90: 3, p99: 5, "p99.9": 6, "p99.99": 7, max: 8 };

export function figuresWith(changes: Partial<Figures> = {}): Figures {
  return {
    zmqecho: "1.2.3",
    startedAt: "2026-01-02T03:04:05.678Z",
    target: {
      addresses: ["tcp://127.0.0.1:5555"],
      handler: null,
      codec: "raw",
      bodies: { count: 1, meanBytes: 12 },
    },
    load: {
      loop: "closed",
      connections: 2,
      inFlight: 4,
      rate: null,
      durationMs: 1000,
      requests: null,
      warmupMs: 0,
      timeoutMs: 10_000,
      check: false,
      batch: true,
    },
    interrupted: false,
    elapsedMs: 200,
    ok: 10,
    failed: 0,
    notSent: 0,
    unanswered: 0,
    generatorBusy: 0.5,
    errorRate: 0,
    rps: 50,
    warmup: { ok: 0, failed: 0 },
    errors: [],
    latencyMs: LATENCY,
    serviceMs: null,
    percentiles: [
      { percentile: 0, ms: 0.5 },
      { percentile: 90, ms: 3 },
      { percentile: 100, ms: 8 },
    ],
    distribution: [
      { fromMs: 0.5, toMs: 1, count: 4 },
      { fromMs: 1, toMs: 10, count: 6 },
    ],
    intervals: [
      { fromMs: 0, lengthMs: 100, ok: 4, failed: 0, rps: 40, failedPerSecond: 0, meanMs: 1, maxMs: 2 },
      { fromMs: 100, lengthMs: 100, ok: 6, failed: 0, rps: 60, failedPerSecond: 0, meanMs: 1, maxMs: 8 },
    ],
    conditions: [],
    ...changes,
  };
}
