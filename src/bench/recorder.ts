/** Counts how requests ended, and makes figures of it. */
import type { ErrorCode } from "../errors.ts";
import { type ErrorFigures, type Figures, rounded } from "./figures.ts";
import { createIntervals } from "./intervals.ts";
import { createLatencies } from "./latencies.ts";
import type { Attempt } from "./load.ts";

type Counted = Pick<
  Figures,
  | "elapsedMs"
  | "ok"
  | "failed"
  | "notSent"
  | "errorRate"
  | "rps"
  | "warmup"
  | "errors"
  | "latencyMs"
  | "serviceMs"
  | "percentiles"
  | "distribution"
  | "intervals"
>;

export interface Recorder {
  /** Requests that are due before this time are warm-up; to be called before the first one. */
  measureFrom(time: number): void;
  add(attempt: Attempt): void;
  /** So far, for who watches. */
  progress(): { readonly ok: number; readonly failed: number };
  /** @param endedAt `performance.now()` when all was over */
  figures(endedAt: number, notSent: number): Counted;
}

/** @param open requests have a time at which they are due, so that how long the server took is a figure of its own */
export async function createRecorder(open: boolean): Promise<Recorder> {
  const latencies = await createLatencies();
  const service = open ? await createLatencies() : undefined;
  const intervals = createIntervals();
  const errors = new Map<ErrorCode, { count: number; readonly message: string }>();
  const warmup = { ok: 0, failed: 0 };
  let measuredFrom = 0;
  let ok = 0;
  let failed = 0;

  return {
    measureFrom(time) {
      measuredFrom = time;
    },
    add({ due, sent, ended, error }) {
      if (due < measuredFrom) {
        warmup[error === undefined ? "ok" : "failed"]++;
        return;
      }
      intervals.add(ended - measuredFrom, error === undefined ? ended - due : undefined);
      if (error === undefined) {
        ok++;
        latencies.record(ended - due);
        service?.record(ended - sent);
        return;
      }
      failed++;
      const same = errors.get(error.code);
      if (same === undefined) errors.set(error.code, { count: 1, message: error.message });
      else same.count++;
    },
    progress: () => ({ ok, failed }),
    figures(endedAt, notSent) {
      const elapsedMs = rounded(Math.max(0, endedAt - measuredFrom));
      const all = ok + failed + notSent;
      return {
        elapsedMs,
        ok,
        failed,
        notSent,
        errorRate: all === 0 ? 0 : (failed + notSent) / all,
        rps: elapsedMs === 0 ? 0 : rounded((ok * 1000) / elapsedMs),
        warmup,
        errors: byCount(errors),
        latencyMs: latencies.figures(),
        serviceMs: service?.figures() ?? null,
        percentiles: latencies.percentiles(),
        distribution: latencies.distribution(),
        intervals: intervals.figures(elapsedMs),
      };
    },
  };
}

function byCount(errors: ReadonlyMap<ErrorCode, { readonly count: number; readonly message: string }>): ErrorFigures[] {
  return [...errors].map(([code, rest]) => ({ code, ...rest })).sort((one, other) => other.count - one.count);
}
