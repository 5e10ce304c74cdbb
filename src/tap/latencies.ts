/** How long things took, however many: percentiles within one in a hundred, in bounded memory. */

export interface Latencies {
  add(ms: number): void;
  /** What so many of a hundred are not above, in milliseconds; undefined if there are none. */
  percentile(hundredths: number): number | undefined;
}

/** Each bucket's upper bound is so many times the one before. */
const STEP = 1.01;

export function createLatencies(): Latencies {
  const buckets = new Map<number, number>();
  let count = 0;
  return {
    add(ms) {
      const bucket = Math.ceil(Math.log(Math.max(ms, 0.001)) / Math.log(STEP));
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
      count++;
    },
    percentile(hundredths) {
      let left = Math.ceil((count * hundredths) / 100);
      for (const bucket of [...buckets.keys()].sort((a, b) => a - b)) {
        left -= buckets.get(bucket) ?? 0;
        if (left <= 0) return STEP ** bucket;
      }
      return undefined;
    },
  };
}
