/** Latencies in an HDR histogram: three digits of precision, in memory that does not grow with their number. */
import type { Float64Histogram } from "hdr-histogram-js";
import {
  type Bucket,
  type LatencyFigures,
  PERCENTILES,
  type PercentileName,
  type PercentilePoint,
  rounded,
} from "./figures.ts";

export interface Latencies {
  record(ms: number): void;
  /** Null if there are none. */
  figures(): LatencyFigures | null;
  /** Points of the curve of percentiles, closer together the nearer they are to 100. */
  percentiles(): PercentilePoint[];
  /** Counts between round numbers. */
  distribution(): Bucket[];
}

/** The histogram counts whole microseconds, and grows for what takes longer than this. */
const USUAL_MOST_US = 3_600_000_000;
/** Of the curve, for each factor of ten nearer to 100. */
const POINTS_A_NINE = 10;
const MOST_ROWS = 20;
/** Round numbers of one decade: finer ones where all latencies are alike. */
const STEPS = [
  [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.3, 3.6, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8, 9],
  [1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 4, 5, 6, 7, 8.5],
  [1, 1.5, 2, 3, 5, 7],
  [1, 2, 5],
  [1],
];

/** The library takes a while to load, and `send` has no use for it. */
export async function createLatencies(): Promise<Latencies> {
  const { Float64Histogram } = await import("hdr-histogram-js");
  const histogram = new Float64Histogram(1, USUAL_MOST_US, 3);
  histogram.autoResize = true;
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  let sum = 0;

  /** The histogram rounds up to the end of a bucket, which may lie beyond all that was recorded. */
  function at(percentile: number): number {
    const ms = histogram.getValueAtPercentile(percentile) / 1000;
    return rounded(Math.min(most, Math.max(least, ms)));
  }

  return {
    record(ms) {
      histogram.recordValue(Math.max(1, Math.round(ms * 1000)));
      sum += ms;
      if (ms < least) least = ms;
      if (ms > most) most = ms;
    },
    figures() {
      const count = histogram.totalCount;
      if (count === 0) return null;
      const named = PERCENTILES.map((name) => [name, at(Number(name.slice(1)))]);
      return {
        min: rounded(least),
        mean: rounded(sum / count),
        ...(Object.fromEntries(named) as Record<PercentileName, number>),
        max: rounded(most),
      };
    },
    percentiles() {
      const nines = Math.log10(Math.max(1, histogram.totalCount));
      const points: PercentilePoint[] = [];
      if (histogram.totalCount === 0) return points;
      for (let step = 0; step <= nines * POINTS_A_NINE; step++) {
        const percentile = 100 * (1 - 10 ** (-step / POINTS_A_NINE));
        points.push({ percentile: Number(percentile.toFixed(6)), ms: at(percentile) });
      }
      return [...points, { percentile: 100, ms: rounded(most) }];
    },
    distribution: () => (histogram.totalCount === 0 ? [] : bucketsOf(histogram, least, most)),
  };
}

function bucketsOf(histogram: Float64Histogram, least: number, most: number): Bucket[] {
  const edges = edgesAround(Math.max(0.001, least), Math.max(0.001, most));
  const counts = new Array<number>(edges.length - 1).fill(0);
  const values = histogram.recordedValuesIterator;
  values.reset();
  let row = 0;
  while (values.hasNext()) {
    const { valueIteratedTo, countAddedInThisIterationStep } = values.next();
    const ms = Math.min(most, valueIteratedTo / 1000);
    while (row < counts.length - 1 && ms >= (edges[row + 1] ?? 0)) row++;
    counts[row] = (counts[row] ?? 0) + countAddedInThisIterationStep;
  }
  return counts.map((count, index) => ({ fromMs: edges[index] ?? 0, toMs: edges[index + 1] ?? 0, count }));
}

/** Round numbers from the last one that is not above the least to the first one above the most. */
function edgesAround(least: number, most: number): number[] {
  const decades: number[] = [];
  for (let power = Math.floor(Math.log10(least)) - 1; power <= Math.floor(Math.log10(most)) + 1; power++)
    decades.push(power);
  for (const steps of STEPS) {
    const all = decades.flatMap((power) => steps.map((step) => Number((step * 10 ** power).toPrecision(3))));
    const from = all.findLastIndex((edge) => edge <= least);
    const to = all.findIndex((edge) => edge > most);
    if (to - from <= MOST_ROWS || steps.length === 1) return all.slice(from, to + 1);
  }
  return [];
}
