/** A plot over the last minutes; what it shows is said in words as well. */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clockText } from "./format.ts";

export interface Line {
  readonly label: string;
  /** The name of a custom property of the style sheet. */
  readonly color: string;
  readonly values: readonly (number | null)[];
  readonly filled?: boolean;
}

export interface PlotProps {
  readonly title: string;
  /** Seconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** Each step of the scale is ten times the one before. */
  readonly isLogarithmic?: boolean;
  /** A value with its unit. */
  readonly say: (value: number) => string;
}

const HEIGHT = 190;
/** The time that is shown at least, and at most, in seconds. */
const SHORTEST = 60;
const LONGEST = 600;
/** A scale that is not logarithmic goes so far at least: little is to look like little. */
const LEAST_TOP = 5;

export function Plot({ title, times, lines, isLogarithmic = false, say }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number>();
  const isDark = useDark();
  const labels = lines.map(({ label }) => label).join();

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(
      optionsOf(lines, isLogarithmic, say, setPointed, element.clientWidth),
      dataOf(times, lines),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [isDark, labels]);
  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines]);

  const index = pointed !== undefined && pointed < times.length ? pointed : times.length - 1;
  const at = times[index];
  const told = lines.map(({ label, values }) => `${label} ${sayOr(values[index], say)}`).join(", ");
  return (
    <figure class="plot">
      <figcaption>
        <span class="plot-title">{title}</span>
        <span class="legend">
          {lines.map(({ label, color, values }) => (
            <span key={label} class={`swatch ${color}`}>
              {label} <b>{sayOr(values[index], say)}</b>
            </span>
          ))}
          {pointed !== undefined && at !== undefined && <span>at {clockText(at * 1000)}</span>}
        </span>
      </figcaption>
      <div class="canvas" ref={place} role="img" aria-label={`${title}, over the last minutes. Now: ${told}.`} />
    </figure>
  );
}

function sayOr(value: number | null | undefined, say: PlotProps["say"]): string {
  return value === null || value === undefined ? "–" : say(value);
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

function optionsOf(
  lines: readonly Line[],
  isLogarithmic: boolean,
  say: PlotProps["say"],
  point: (index: number | undefined) => void,
  width: number,
): uPlot.Options {
  const colorOf = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const axis: uPlot.Axis = {
    stroke: colorOf("muted"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: colorOf("line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { range: minutesBefore },
      y: isLogarithmic
        ? { distr: 3, range: powersAround }
        : { range: (_, __, most) => [0, Math.max(LEAST_TOP, most * 1.1)] },
    },
    axes: [
      { ...axis, size: 28, space: 80, values: (_, ticks) => ticks.map((at) => clockText(at * 1000)) },
      {
        ...axis,
        size: 62,
        space: 36,
        ...(isLogarithmic && { splits: powersBetween }),
        values: (_, ticks) => ticks.map((value) => (value === null ? null : shortly(say(value)))),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, color, filled }) => ({
        label,
        stroke: colorOf(color),
        width: 1.75,
        points: { show: false },
        ...(filled && { fill: `${colorOf(color)}22` }),
      })),
    ],
    hooks: { setCursor: [({ cursor: { idx } }) => point(idx ?? undefined)] },
  };
}

/** The time that is shown, whether or not there is something in all of it; there may be nothing yet. */
function minutesBefore(_: uPlot, first: number | null, last: number | null): [number, number] {
  const end = last ?? Date.now() / 1000;
  return [Math.max(end - LONGEST, Math.min(first ?? end, end - SHORTEST)), end];
}

/** From the power of ten below to the one above; there may be nothing yet. */
function powersAround(_: uPlot, least: number | null, most: number | null): [number, number] {
  if (least === null || most === null || !(least > 0)) return [0.1, 100];
  const low = Math.floor(Math.log10(least));
  return [10 ** low, 10 ** Math.max(low + 1, Math.ceil(Math.log10(most)))];
}

function powersBetween(_: uPlot, __: number, least: number, most: number): number[] {
  const powers: number[] = [];
  for (let power = Math.ceil(Math.log10(least)); power <= Math.log10(most) + 1e-9; power++) powers.push(10 ** power);
  return powers;
}

/** `100 ms` for `100.0 ms`: what stands at an axis is round. */
function shortly(text: string): string {
  return text.replace(/\.0+(?= |$)|(?<=\.[1-9]+)0+(?= |$)/, "");
}

function useDark(): boolean {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const follow = () => setDark(query.matches);
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, [query]);
  return isDark;
}
