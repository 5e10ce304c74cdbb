/**
 * Metrics as text, in Prometheus' format or that of OpenMetrics, written by prom-client from counts that are kept elsewhere. Its own counters
 * would look their labels up at each call, and keep those of handlers that are gone.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Metric as PromMetric, Registry, type RegistryContentType } from "prom-client";
import { type CallCounts, LATENCY_BOUNDS_MS } from "../../counts.ts";
import type { Metric, Seen } from "./figures.ts";

/** So many lines are written in one turn of the loop, and calls are served before the next: about a millisecond. */
const SLICE = 500;

/** A line, as prom-client has it. */
interface Line {
  /** Default: the metric's own. */
  readonly metricName?: string;
  readonly labels?: Readonly<Record<string, string | number>>;
  /** Come after these. Made text once, however many lines have the same object. */
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** In bytes, since to make them of a long text would take a turn of some milliseconds. */
export async function writeMetrics(metrics: readonly Metric[], seen: Seen, type: RegistryContentType): Promise<Buffer> {
  const isOpenMetrics = type === Registry.OPENMETRICS_CONTENT_TYPE;
  const parts: Buffer[] = [];
  for (const metric of metrics) {
    let isFirst = true;
    for (const lines of slicesOf(linesOf(metric, seen))) {
      // All was in the slices before; or it can't be known here, such as open files where there is no /proc.
      if (lines.length === 0 && (!isFirst || metric.labels.length === 0)) continue;
      const text = await textOf(metric, lines, type);
      // The first two lines, HELP and TYPE, are wanted once.
      parts.push(Buffer.from(`${isFirst ? text : text.split("\n").slice(2).join("\n")}\n`));
      isFirst = false;
      await nextTurn();
    }
  }
  if (isOpenMetrics) parts.push(Buffer.from("# EOF\n"));
  return Buffer.concat(parts);
}

/** The last may be empty. Lines are made when they are taken. */
function* slicesOf(lines: Iterable<Line>): Iterable<readonly Line[]> {
  let slice: Line[] = [];
  for (const line of lines) {
    if (slice.push(line) < SLICE) continue;
    yield slice;
    slice = [];
  }
  yield slice;
}

function* linesOf(metric: Metric, seen: Seen): Iterable<Line> {
  const labelsOf = (values: readonly string[]) =>
    Object.fromEntries(metric.labels.map((label, index) => [label, values[index] ?? ""]));
  if (metric.type !== "histogram")
    for (const { value, labels } of metric.samples(seen)) yield { value, sharedLabels: labelsOf(labels) };
  else
    for (const { value, labels } of metric.samples(seen)) yield* histogramLines(metric.name, labelsOf(labels), value);
}

const BOUNDS = [...LATENCY_BOUNDS_MS.map((ms) => ms / 1000), "+Inf"];

function histogramLines(
  name: string,
  sharedLabels: Line["sharedLabels"],
  { buckets, sumMs }: CallCounts["latency"],
): Line[] {
  let count = 0;
  const lines = BOUNDS.map((le, index): Line => {
    count += buckets[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: count };
  });
  return [
    ...lines,
    { metricName: `${name}_sum`, sharedLabels, value: sumMs / 1000 },
    { metricName: `${name}_count`, sharedLabels, value: count },
  ];
}

/** A registry of its own, and nothing in prom-client's global one. */
function textOf(
  { name: fullName, help, type }: Metric,
  values: readonly Line[],
  contentType: RegistryContentType,
): Promise<string> {
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(contentType);
  // In OpenMetrics the suffix is no part of a counter's name, and prom-client puts it on the samples.
  const name = contentType === Registry.OPENMETRICS_CONTENT_TYPE ? fullName.replace(/_total$/, "") : fullName;
  const metric = { name, help, type, get: async () => ({ name, help, type, values }) };
  registry.registerMetric(metric as unknown as PromMetric);
  return registry.getSingleMetricAsString(name);
}
