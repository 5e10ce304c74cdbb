/** The plots of a report: which figures go where, and on which scale. */
import type { Figures } from "./figures.ts";
import { countText, edgeText, millisecondsText, percentText } from "./numbers.ts";
import { barPath, linePath, type Plot, stepsPath, type Tick } from "./svg.ts";

export function throughputPlot({ intervals, elapsedMs, rps }: Figures): Plot {
  const top = niceTop(Math.max(...intervals.map((interval) => Math.max(interval.rps, interval.failedPerSecond))));
  const steps = (value: "rps" | "failedPerSecond") =>
    intervals.map((interval) => ({
      from: interval.fromMs / elapsedMs,
      to: (interval.fromMs + interval.lengthMs) / elapsedMs,
      value: interval[value] / top,
    }));
  const rates = intervals.map((interval) => interval.rps);
  const lost = intervals.some(({ failed }) => failed > 0);
  return {
    id: "throughput",
    title: "Throughput over time",
    description: `Requests a second that succeeded: ${countText(rps)} over all, from ${countText(Math.min(...rates))} to ${countText(Math.max(...rates))}.`,
    xName: "time",
    yName: "requests a second",
    xTicks: quarters((share) => millisecondsText(share * elapsedMs).replace(/^0 µs$/, "0")),
    yTicks: quarters((share) => countText(share * top)),
    marks: [stepsPath("ok", steps("rps")), ...(lost ? [stepsPath("failed", steps("failedPerSecond"))] : [])],
  };
}

/** How latency grows towards the slowest requests: each nine is as wide as the one before, and latency is logarithmic. */
export function percentilePlot({ percentiles, latencyMs }: Figures): Plot {
  const scale = logScale(latencyMs?.min ?? 1, latencyMs?.max ?? 1);
  const nines = (percentile: number): number => -Math.log10(1 - percentile / 100);
  const finite = percentiles.filter(({ percentile }) => percentile < 100);
  const width = Math.max(1, Math.ceil(nines(finite.at(-1)?.percentile ?? 90) - 0.001));
  const points = finite.map(({ percentile, ms }) => [nines(percentile) / width, scale.at(ms)] as const);
  // What is beyond the last whole share of requests is the slowest one alone.
  const last = [1, scale.at(latencyMs?.max ?? 1)] as const;
  const xTicks = Array.from({ length: width + 1 }, (_, index) => ({
    at: index / width,
    label: `${Number((100 * (1 - 10 ** -index)).toFixed(6))} %`,
  }));
  return {
    id: "percentiles",
    title: "Latency by percentile",
    description:
      latencyMs === null
        ? "Nothing was measured."
        : `Half of the requests took ${millisecondsText(latencyMs.p50)} at most, 99 % ${millisecondsText(latencyMs.p99)}, the slowest ${millisecondsText(latencyMs.max)}.`,
    xName: "share of requests that took no longer",
    yName: "latency (log scale)",
    xTicks,
    yTicks: scale.ticks,
    marks: [linePath("ok", [...points, last])],
  };
}

export function distributionPlot({ distribution, ok }: Figures): Plot {
  const most = Math.max(...distribution.map(({ count }) => count));
  const top = niceTop(most);
  const width = distribution.length;
  const fullest = distribution.find(({ count }) => count === most);
  const every = Math.ceil((width + 1) / 11);
  const edges = [...distribution.map(({ fromMs }) => fromMs), distribution.at(-1)?.toMs ?? 0];
  return {
    id: "distribution",
    title: "Distribution of latency",
    description:
      fullest === undefined
        ? "Nothing was measured."
        : `${countText(most)} of ${countText(ok)} requests took ${edgeText(fullest.fromMs)} to ${edgeText(fullest.toMs)}, more than any other range has.`,
    xName: "latency",
    yName: "requests",
    xTicks: edges.flatMap((edge, index) => (index % every === 0 ? [{ at: index / width, label: edgeText(edge) }] : [])),
    yTicks: quarters((share) => countText(share * top)),
    marks: distribution.map(({ fromMs, toMs, count }, index) =>
      barPath(
        "ok",
        index / width,
        (index + 1) / width,
        count / top,
        `${edgeText(fromMs)} to ${edgeText(toMs)}: ${countText(count)}, ${percentText(count / ok)}`,
      ),
    ),
  };
}

export function errorsPlot({ errors }: Figures): Plot {
  const top = niceTop(Math.max(...errors.map(({ count }) => count)));
  const width = errors.length;
  const half = Math.min(0.25 / width, 0.05);
  return {
    id: "errors",
    title: "Errors by code",
    description: errors.map(({ code, count }) => `${code}: ${countText(count)}.`).join(" "),
    xName: "code",
    yName: "requests",
    xTicks: errors.map(({ code }, index) => ({ at: (index + 0.5) / width, label: code })),
    yTicks: quarters((share) => countText(share * top)),
    marks: errors.map(({ code, count }, index) =>
      barPath(
        "failed",
        (index + 0.5) / width - half,
        (index + 0.5) / width + half,
        count / top,
        `${code}: ${countText(count)}`,
      ),
    ),
  };
}

function quarters(label: (share: number) => string): Tick[] {
  return [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: label(at) }));
}

/** A number whose quarters are round, too, and that is not below the value. */
function niceTop(value: number): number {
  if (!(value > 0)) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((candidate) => candidate * power >= value) ?? 10;
  return step * power;
}

/** From the round number below the least to the one above the most. */
function logScale(least: number, most: number): { at(ms: number): number; readonly ticks: Tick[] } {
  const rounds: number[] = [];
  const lowest = Math.max(0.001, least);
  for (let power = Math.floor(Math.log10(lowest)); rounds.length === 0 || (rounds.at(-1) ?? 0) < most; power++) {
    for (const step of [1, 2, 5]) rounds.push(Number((step * 10 ** power).toPrecision(1)));
  }
  const from = Math.max(
    0,
    rounds.findLastIndex((round) => round <= lowest),
  );
  const to = Math.max(
    from + 1,
    rounds.findIndex((round) => round >= most),
  );
  const [low = 0.001, high = 1] = [rounds[from], rounds[to] ?? (rounds.at(-1) ?? 1) * 2];
  const at = (ms: number): number =>
    Math.min(1, Math.max(0, Math.log(Math.max(lowest, ms) / low) / Math.log(high / low)));
  const shown = [...rounds.slice(from, to), high];
  const every = Math.ceil(shown.length / 9);
  return {
    at,
    ticks: shown.filter((_, index) => index % every === 0).map((ms) => ({ at: at(ms), label: edgeText(ms) })),
  };
}
