/** What `zmqecho top` shows for people: lines that fit a window, or have no bounds where there is none. */
import { printableLine } from "../printable.ts";
import { shorten } from "../wording.ts";
import type { Interval, Latency, Row } from "./top-interval.ts";
import type { Sort } from "./top-sort.ts";

/** Columns and lines. */
export interface Window {
  readonly columns: number;
  readonly rows: number;
}

export const NO_WINDOW: Window = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };

/** A line, and how it is to look where that can be. */
export interface Line {
  readonly text: string;
  readonly look?: "heading" | "alarm";
}

interface Column {
  readonly title: string;
  readonly text: (row: Row) => string;
}

const TRAFFIC: readonly Column[] = [
  { title: "REQ/S", text: ({ perSecond }) => rateText(perSecond) },
  { title: "ERR/S", text: ({ errorsPerSecond }) => rateText(errorsPerSecond) },
  { title: "P50", text: ({ p50 }) => latencyText(p50) },
  { title: "P90", text: ({ p90 }) => latencyText(p90) },
  { title: "P99", text: ({ p99 }) => latencyText(p99) },
  { title: "IN FLIGHT", text: ({ inFlight }) => String(inFlight) },
];

const OF_ENDPOINTS: readonly Column[] = [
  ...TRAFFIC,
  { title: "QUEUED", text: ({ queued }) => countText(queued) },
  { title: "REFUSED", text: ({ refused }) => countText(refused) },
  { title: "DROPPED", text: ({ droppedReplies }) => countText(droppedReplies) },
  { title: "BAD KEYS", text: ({ refusedKeys }) => countText(refusedKeys) },
];

const OF_HANDLERS: readonly Column[] = [
  ...TRAFFIC,
  { title: "LIVE", text: ({ workers }) => countText(workers?.live) },
  { title: "LOST", text: ({ workers }) => countText(workers?.lost) },
];

const ORDERS: Readonly<Record<Sort, (one: Row, other: Row) => number>> = {
  name: () => 0,
  requests: (one, other) => other.perSecond - one.perSecond,
  errors: (one, other) => other.errorsPerSecond - one.errorsPerSecond,
  latency: (one, other) => (other.p99?.ms ?? -1) - (one.p99?.ms ?? -1),
  "in-flight": (one, other) => other.inFlight - one.inFlight,
};

/** Two lines that sum up, and a table each of endpoints and handlers, no wider and no longer than the window. */
export function intervalLines(interval: Interval, sort: Sort, { columns, rows }: Window): Line[] {
  const { total, endpoints, handlers } = interval;
  const head: Line[] = [
    { text: summaryText(interval) },
    { text: trafficText(interval), ...(total.errorsPerSecond > 0 && { look: "alarm" }) },
  ];
  // Each table has an empty line and a heading.
  const room = Math.max(2, rows - head.length - 4);
  const [forEndpoints, forHandlers] = share(room, endpoints.length, handlers.length);
  const lines = [
    ...head,
    ...table("ENDPOINT", endpoints, OF_ENDPOINTS, sort, { columns, rows: forEndpoints }),
    ...table("HANDLER", handlers, OF_HANDLERS, sort, { columns, rows: forHandlers }),
  ];
  return lines.slice(0, rows).map(({ text, ...look }) => ({ text: cutTo(text, columns), ...look }));
}

/** One that needs less than half leaves the rest to the other. */
function share(room: number, one: number, other: number): readonly [number, number] {
  const half = Math.floor(room / 2);
  if (one <= half) return [one, room - one];
  if (other <= room - half) return [room - other, other];
  return [half, room - half];
}

function summaryText({ uptimeMs, reloads, since, ms }: Interval): string {
  const over = { look: `over ${(ms / 1000).toFixed(1)} s`, start: "since its start", restart: "it has restarted" };
  const failed = reloads.failed === 0 ? "" : `, ${reloads.failed} failed`;
  return `up ${uptimeText(uptimeMs)}  reloads ${reloads.done}${failed}  ${over[since]}  latency in ms`;
}

function trafficText({ total: { perSecond, errorsPerSecond, errors } }: Interval): string {
  const codes = Object.entries(errors).sort(([, one], [, other]) => other - one);
  const listing = codes.map(([code, count]) => `${printableLine(code)} ${count}`).join(", ");
  return `${rateText(perSecond)} requests/s  ${rateText(errorsPerSecond)} errors/s${listing && `: ${listing}`}`;
}

/** Numbers to the right; a column without any number is left out. What does not fit in length is counted. */
function table(title: string, all: readonly Row[], of: readonly Column[], sort: Sort, window: Window): Line[] {
  if (all.length === 0) return [];
  const rows = all.toSorted((one, other) => ORDERS[sort](one, other) || (one.name < other.name ? -1 : 1));
  const isCut = rows.length > window.rows;
  const shown = isCut ? rows.slice(0, Math.max(0, window.rows - 1)) : rows;
  const columns = of.filter((column) => TRAFFIC.includes(column) || rows.some((row) => column.text(row) !== NONE));
  const cells = shown.map((row) => columns.map(({ text }) => text(row)));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const names = shown.map(({ name }) => printableLine(name));
  const numbersWidth = widths.reduce((sum, width) => sum + width + 2, 0);
  const longest = Math.max(title.length, ...names.map((name) => name.length));
  const nameWidth = Math.max(Math.min(longest, window.columns - numbersWidth), title.length);
  const line = (name: string, texts: readonly string[]) =>
    [shorten(name, nameWidth).padEnd(nameWidth), ...texts.map((text, index) => text.padStart(widths[index] ?? 0))].join(
      "  ",
    );
  return [
    { text: "" },
    {
      text: line(
        title,
        columns.map((column) => column.title),
      ),
      look: "heading",
    },
    ...shown.map(
      (row, index): Line => ({
        text: line(names[index] ?? "", cells[index] ?? []),
        ...(row.errorsPerSecond > 0 && { look: "alarm" }),
      }),
    ),
    ...(isCut ? [{ text: `… and ${rows.length - shown.length} more` }] : []),
  ];
}

function cutTo(text: string, columns: number): string {
  return Number.isFinite(columns) ? shorten(text, columns) : text.trimEnd();
}

const NONE = "-";

function countText(count: number | undefined): string {
  return count === undefined ? NONE : String(count);
}

function rateText(perSecond: number): string {
  return perSecond === 0 ? "0" : perSecond < 10 ? perSecond.toFixed(2) : perSecond.toFixed(perSecond < 1000 ? 1 : 0);
}

function latencyText(latency: Latency): string {
  if (latency === undefined) return NONE;
  const { ms, over } = latency;
  return `${over ? ">" : ""}${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)}`;
}

/** `3 d 04:12:33`, or without the days. */
export function uptimeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const days = Math.floor(seconds / 86_400);
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return days === 0 ? clock : `${days} d ${clock}`;
}
