/** What a run has shown, as `-o json` prints it. Times are milliseconds; docs/bench.md says what each field means. */
import type { ErrorCode } from "../errors.ts";

export const PERCENTILES = ["p50", "p75", "p90", "p99", "p99.9", "p99.99"] as const;
export type PercentileName = (typeof PERCENTILES)[number];

export type LatencyFigures = Readonly<Record<"min" | "mean" | PercentileName | "max", number>>;

/** How requests were made. */
export interface LoadFigures {
  readonly loop: "closed" | "open";
  readonly connections: number;
  readonly inFlight: number;
  /** Requests a second, of an open loop. */
  readonly rate: number | null;
  readonly durationMs: number | null;
  readonly requests: number | null;
  readonly warmupMs: number;
  readonly timeoutMs: number;
  /** Replies were decoded. */
  readonly check: boolean;
  readonly batch: boolean;
}

export interface TargetFigures {
  readonly addresses: readonly string[];
  readonly handler: string | null;
  readonly codec: string;
  readonly bodies: { readonly count: number; readonly meanBytes: number };
}

export interface ErrorFigures {
  readonly code: ErrorCode;
  readonly count: number;
  /** The text of the first one. */
  readonly message: string;
}

export interface IntervalFigures {
  /** From the beginning of what is measured. */
  readonly fromMs: number;
  readonly lengthMs: number;
  readonly ok: number;
  readonly failed: number;
  readonly rps: number;
  readonly failedPerSecond: number;
  readonly meanMs: number | null;
  readonly maxMs: number | null;
}

export interface Bucket {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

export interface PercentilePoint {
  readonly percentile: number;
  readonly ms: number;
}

export interface Verdict {
  readonly condition: string;
  readonly failed: boolean;
  /** In the condition's unit, for people. */
  readonly measured: string;
}

export interface Figures {
  readonly zmqecho: string;
  readonly startedAt: string;
  readonly target: TargetFigures;
  readonly load: LoadFigures;
  readonly interrupted: boolean;
  readonly elapsedMs: number;
  readonly ok: number;
  readonly failed: number;
  readonly notSent: number;
  readonly unanswered: number;
  readonly generatorBusy: number | null;
  readonly errorRate: number;
  readonly rps: number;
  readonly warmup: { readonly ok: number; readonly failed: number };
  readonly errors: readonly ErrorFigures[];
  readonly latencyMs: LatencyFigures | null;
  readonly serviceMs: LatencyFigures | null;
  readonly percentiles: readonly PercentilePoint[];
  readonly distribution: readonly Bucket[];
  readonly intervals: readonly IntervalFigures[];
  readonly conditions: readonly Verdict[];
}

/** Three digits after the point: HDR histograms of microseconds know no more. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
