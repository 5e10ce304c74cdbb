/** Counts of calls: by code, and how long they took. Cheap enough to be kept for every call. */
import type { ErrorCode } from "./errors.ts";

/** The upper bounds of the histogram's buckets, in milliseconds; what took longer is in one bucket more. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
];

/** Calls that ended so far. */
export interface CallCounts {
  /** By code, `ok` included; a code that never came is absent. */
  readonly codes: Readonly<Record<string, number>>;
  readonly latency: {
    /** How many took as long as each bucket says: over the bound before, up to its own. One more for the rest. */
    readonly buckets: readonly number[];
    /** Milliseconds of all of them together. */
    readonly sumMs: number;
  };
}

export interface CallCounter {
  /** @param ms from the read of the request to its outcome */
  record(code: "ok" | ErrorCode, ms: number): void;
  counts(): CallCounts;
}

export function createCallCounter(): CallCounter {
  let ok = 0;
  let sumMs = 0;
  const failures = new Map<ErrorCode, number>();
  const buckets = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);

  return {
    record(code, ms) {
      if (code === "ok") ok++;
      else failures.set(code, (failures.get(code) ?? 0) + 1);
      sumMs += ms;
      // Most calls are in the first few, so a search from the start is the shortest.
      let index = 0;
      while (index < LATENCY_BOUNDS_MS.length && ms > Number(LATENCY_BOUNDS_MS[index])) index++;
      buckets[index] = Number(buckets[index]) + 1;
    },
    counts: () => ({
      codes: { ...(ok > 0 && { ok }), ...Object.fromEntries(failures) },
      latency: { buckets: [...buckets], sumMs: Math.round(sumMs * 1000) / 1000 },
    }),
  };
}
