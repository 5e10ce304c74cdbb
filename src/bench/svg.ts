/** Pieces of inline SVG: a frame with two axes, and what is drawn in it. Everything that is text is escaped. */

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 76;
const RIGHT = 36;
const TOP = 14;
const BOTTOM = 44;

/** A place on an axis, from 0 to 1, with its label. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Plot {
  readonly id: string;
  readonly title: string;
  /** What it shows, in words, for who can't see it. */
  readonly description: string;
  readonly xName: string;
  readonly yName: string;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  /** From `linePath`, `areaPath` and `bars`. */
  readonly marks: readonly string[];
}

/** From 0 to 1, from the left and from the bottom. */
export type Point = readonly [x: number, y: number];

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function plotSvg({ id, title, description, xName, yName, xTicks, yTicks, marks }: Plot): string {
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const rows = yTicks.map(({ at, label }) => {
    const y = yOf(at);
    return `<line class="grid" x1="${LEFT}" x2="${right}" y1="${y}" y2="${y}"/><text x="${LEFT - 8}" y="${y}" dy="0.32em" text-anchor="end">${escapeHtml(label)}</text>`;
  });
  const columns = xTicks.map(({ at, label }) => {
    const x = xOf(at);
    return `<line class="tick" x1="${x}" x2="${x}" y1="${bottom}" y2="${bottom + 5}"/><text x="${x}" y="${bottom + 18}" text-anchor="middle">${escapeHtml(label)}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${escapeHtml(title)}</title><desc id="${id}-text">${escapeHtml(description)}</desc>
${rows.join("")}${columns.join("")}
<text class="name" x="${(LEFT + right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(xName)}</text>
<text class="name" transform="translate(14 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yName)}</text>
${marks.join("\n")}
<path class="axis" d="M${LEFT} ${TOP}V${bottom}H${right}"/>
</svg>`;
}

export function linePath(kind: string, points: readonly Point[]): string {
  return `<path class="line ${kind}" d="${points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${xOf(x)} ${yOf(y)}`).join("")}"/>`;
}

/** Equal stretches as steps, filled down to the axis. Each value is from 0 to 1, and its stretch ends at `to`. */
export function stepsPath(
  kind: string,
  steps: readonly { readonly from: number; readonly to: number; readonly value: number }[],
): string {
  const bottom = yOf(0);
  const first = steps[0];
  if (first === undefined) return "";
  const outline = steps.map(({ to, value }) => `V${yOf(value)}H${xOf(to)}`).join("");
  return `<path class="area ${kind}" d="M${xOf(first.from)} ${bottom}${outline}V${bottom}Z"/>`;
}

/** One that is not nothing can be seen. `says` is shown where the pointer rests. */
export function barPath(kind: string, from: number, to: number, value: number, says: string): string {
  const height = value > 0 ? Math.max(1.5, yOf(0) - yOf(value)) : 0;
  const x = xOf(from) + 0.5;
  return `<path class="bar ${kind}" d="M${round(x)} ${yOf(0)}v${round(-height)}H${round(xOf(to) - 0.5)}V${yOf(0)}Z"><title>${escapeHtml(says)}</title></path>`;
}

function xOf(share: number): number {
  return round(LEFT + share * (WIDTH - LEFT - RIGHT));
}

function yOf(share: number): number {
  return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
