/** `--fail-if`: what a run must not show, such as `p99>5ms`, `errors>0.1%` or `rps<1000`. */
import { listed } from "../wording.ts";
import { type Figures, type LatencyFigures, PERCENTILES, type Verdict } from "./figures.ts";
import { millisecondsText } from "./numbers.ts";

type Operator = ">" | ">=" | "<" | "<=";

export interface Condition {
  /** As it was given. */
  readonly text: string;
  readonly metric: keyof LatencyFigures | "errors" | "error rate" | "rps";
  readonly operator: Operator;
  /** Milliseconds, a share of 1, or a plain number. */
  readonly bound: number;
}

const TIMES = ["min", "mean", ...PERCENTILES, "max"] as const;
const MS_OF_UNIT: Readonly<Record<string, number>> = { us: 0.001, µs: 0.001, ms: 1, s: 1000 };
const FORM = /^\s*([a-z][a-z0-9.]*)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?|\.\d+)\s*(\D*?)\s*$/i;
const ACCEPTED = `${listed([...TIMES], "or")} with us, ms or s; errors with % or none; rps with no unit; each with >, >=, < or <=, as in 'p99>5ms'`;

/** Throws a RangeError that says what is accepted. */
export function parseCondition(text: string): Condition {
  const [, name = "", operator = "", digits = "", unit = ""] = FORM.exec(text) ?? [];
  const metric = metricOf(name.toLowerCase(), unit);
  const factor = metric === undefined ? undefined : factorOf(metric, unit);
  if (metric === undefined || factor === undefined) throw new RangeError(`It takes ${ACCEPTED}.`);
  return { text: text.trim(), metric, operator: operator as Operator, bound: Number(digits) * factor };
}

function metricOf(name: string, unit: string): Condition["metric"] | undefined {
  if (name === "errors") return unit === "%" ? "error rate" : "errors";
  if (name === "rps") return "rps";
  return TIMES.find((time) => time === name);
}

function factorOf(metric: Condition["metric"], unit: string): number | undefined {
  if (metric === "error rate") return 0.01;
  if (metric === "errors" || metric === "rps") return unit === "" ? 1 : undefined;
  return MS_OF_UNIT[unit];
}

/** A latency that nothing was measured for is no good one: such a condition fails. */
export function judge(condition: Condition, figures: Omit<Figures, "conditions">): Verdict {
  const measured = measuredOf(condition.metric, figures);
  const failed = measured === undefined || holds(measured, condition.operator, condition.bound);
  return { condition: condition.text, failed, measured: shown(condition.metric, measured) };
}

function measuredOf(metric: Condition["metric"], figures: Omit<Figures, "conditions">): number | undefined {
  if (metric === "errors") return figures.failed + figures.notSent;
  if (metric === "error rate") return figures.errorRate;
  if (metric === "rps") return figures.rps;
  return figures.latencyMs?.[metric];
}

function holds(value: number, operator: Operator, bound: number): boolean {
  if (operator === ">") return value > bound;
  if (operator === ">=") return value >= bound;
  return operator === "<" ? value < bound : value <= bound;
}

function shown(metric: Condition["metric"], value: number | undefined): string {
  if (value === undefined) return "nothing, as no request succeeded";
  if (metric === "error rate") return `${Number((value * 100).toPrecision(4))}%`;
  return metric === "errors" || metric === "rps" ? String(value) : millisecondsText(value);
}
