/** Figures for a terminal. */
import { printableLine } from "../printable.ts";
import { type Figures, type LatencyFigures, PERCENTILES } from "./figures.ts";
import { countText, edgeText, millisecondsText, percentText, spanText } from "./numbers.ts";

const BAR_WIDTH = 40;
/** Of throughput over time; more are averaged, so that it fits a screen. */
const MOST_LINES = 16;
/** The share of the time above which bench may be what limits throughput. */
const BUSY = 0.9;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Several lines, with a newline at the end. */
export function renderText(figures: Figures): string {
  const parts = [
    [describeRun(figures)],
    counts(figures),
    latency(figures),
    distribution(figures),
    throughput(figures),
    errors(figures),
    conditions(figures),
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

/** One line: to whom, and how. */
export function describeRun({ target, load, interrupted }: Figures): string {
  const { addresses, handler, codec, bodies } = target;
  const what =
    bodies.count === 1 ? `${bodies.meanBytes} bytes` : `${bodies.count} bodies, ${bodies.meanBytes} bytes on average`;
  const to = `${addresses.join(", ")}${handler === null ? "" : ` ${handler}`}`;
  const places = `${load.connections} connection${load.connections === 1 ? "" : "s"} × ${load.inFlight} in flight`;
  const pace = load.rate === null ? `closed loop, ${places}` : `${countText(load.rate)} a second, ${places} at most`;
  const warmup = load.warmupMs === 0 ? "" : `, after ${spanText(load.warmupMs)} of warm-up`;
  return printableLine(`${to} (${codec}, ${what}): ${pace}${warmup}${interrupted ? "; interrupted" : ""}`);
}

function counts(figures: Figures): string[] {
  const { ok, failed, notSent, unanswered, rps, elapsedMs, errorRate, generatorBusy } = figures;
  const rows: [string, number, string][] = [
    ["succeeded", ok, `${countText(rps)} a second, in ${millisecondsText(elapsedMs)}`],
  ];
  rows.push([
    "failed",
    failed,
    failed + notSent === 0 ? "" : `${percentText(errorRate)} of all${notSent > 0 ? " failed or were not sent" : ""}`,
  ]);
  if (notSent > 0) rows.push(["not sent", notSent, "due, but the server did not keep up"]);
  if (unanswered > 0) rows.push(["unanswered", unanswered, "under way when it was interrupted"]);
  const width = Math.max(...rows.map(([, count]) => countText(count).length));
  const lines = rows.map(([name, count, note]) =>
    `${name.padEnd(11)} ${countText(count).padStart(width)}  ${note}`.trimEnd(),
  );
  if (generatorBusy !== null && generatorBusy > BUSY) {
    lines.push(
      `${"note".padEnd(11)} bench itself was busy ${percentText(generatorBusy)} of the time: a faster server may not show`,
    );
  }
  return lines;
}

function latency({ latencyMs, serviceMs }: Figures): string[] {
  if (latencyMs === null) return [];
  const names = ["min", "mean", ...PERCENTILES, "max"] as const;
  const row = (name: string, from: LatencyFigures): string =>
    `${name.padEnd(11)} ${names.map((column) => millisecondsText(from[column]).padStart(8)).join(" ")}`;
  const head = `${" ".repeat(11)} ${names.map((column) => column.padStart(8)).join(" ")}`;
  if (serviceMs === null) return [head, row("latency", latencyMs)];
  return [head, row("latency", latencyMs), row("once sent", serviceMs)];
}

function distribution({ distribution: buckets, ok }: Figures): string[] {
  const most = Math.max(...buckets.map(({ count }) => count));
  const countWidth = countText(most).length;
  return buckets.map(({ fromMs, toMs, count }, index) => {
    const name = index === 0 ? "latency" : "";
    const range = `${edgeText(fromMs).padStart(7)} – ${edgeText(toMs).padStart(7)}`;
    const share = percentText(count / ok);
    return `${name.padEnd(11)} ${range} ${bar(count / most)} ${countText(count).padStart(countWidth)}  ${share}`;
  });
}

function throughput({ intervals }: Figures): string[] {
  const together = Math.ceil(intervals.length / MOST_LINES);
  const lines = Array.from({ length: Math.ceil(intervals.length / together) || 0 }, (_, index) => {
    const few = intervals.slice(index * together, (index + 1) * together);
    const lengthMs = few.reduce((sum, interval) => sum + interval.lengthMs, 0);
    const ok = few.reduce((sum, interval) => sum + interval.ok, 0);
    const failed = few.reduce((sum, interval) => sum + interval.failed, 0);
    return { fromMs: few[0]?.fromMs ?? 0, rps: (ok * 1000) / lengthMs, failed };
  });
  const most = Math.max(1, ...lines.map(({ rps }) => rps));
  const width = countText(most).length;
  return lines.map(({ fromMs, rps, failed }, index) => {
    const name = index === 0 ? "throughput" : "";
    const losses = failed === 0 ? "" : `  ${countText(failed)} failed`;
    return `${name.padEnd(11)} ${spanText(fromMs).padStart(17)} ${bar(rps / most)} ${countText(rps).padStart(width)} a second${losses}`;
  });
}

function errors({ errors: all }: Figures): string[] {
  const width = Math.max(0, ...all.map(({ count }) => countText(count).length));
  return all.map(({ code, count, message }, index) => {
    const name = index === 0 ? "errors" : "";
    return `${name.padEnd(11)} ${countText(count).padStart(width)} ${printableLine(`${code}: ${message}`)}`;
  });
}

function conditions({ conditions: all }: Figures): string[] {
  return all.map(({ condition, failed, measured }, index) => {
    const name = index === 0 ? "fail if" : "";
    return `${name.padEnd(11)} ${condition.padEnd(16)} ${failed ? "FAILED" : "passed"}, measured ${measured}`;
  });
}

/** A bar of a share of the full width, to an eighth of a character; whatever is not nothing shows. */
function bar(share: number): string {
  const eighths = share > 0 ? Math.max(1, Math.round(share * BAR_WIDTH * 8)) : 0;
  return ("█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? "")).padEnd(BAR_WIDTH);
}
