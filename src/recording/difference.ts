/** Where two values are not the same, path by path. */
import { types } from "node:util";
import { pathOf } from "../codecs/value-path.ts";
import { isPlainObject } from "../config/path.ts";
import { ZmqEchoError } from "../errors.ts";

/** `undefined` stands for what is not there. */
export interface Difference {
  /** `$.items[0].price` */
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** Keys and indexes from the top; `*` stands for any one of them. */
export type Pattern = readonly string[];

const STEP = /^(?:\.?([A-Za-z_$][\w$-]*|\*)|\[(\d+|\*)\]|\[("(?:[^"\\]|\\.)*")\])/;

/** Reads `$.items[*].id`, `items[0]["a b"]`. Throws `invalid_argument`. */
export function parsePattern(text: string): Pattern {
  const steps: string[] = [];
  let rest = text.replace(/^\$(?=[.[]|$)/, "");
  while (rest !== "") {
    const [all, name, index, quoted] = STEP.exec(rest) ?? [];
    if (all === undefined) {
      const at = text.length - rest.length + 1;
      throw new ZmqEchoError(
        "invalid_argument",
        `${text} is no path of values, from character ${at} on; one is $.items[*].id`,
      );
    }
    steps.push(name ?? index ?? String(JSON.parse(quoted ?? '""')));
    rest = rest.slice(all.length);
  }
  return steps;
}

/** @param ignored what may differ, with all that is in it */
export function differences(was: unknown, is: unknown, ignored: readonly Pattern[] = []): Difference[] {
  const found: Difference[] = [];
  compare(was, is, [], ignored, found);
  return found;
}

type Step = string | number;

function compare(
  was: unknown,
  is: unknown,
  at: readonly Step[],
  ignored: readonly Pattern[],
  found: Difference[],
): void {
  if (ignored.some((pattern) => matches(pattern, at))) return;
  const go = (key: Step, one: unknown, other: unknown) => compare(one, other, [...at, key], ignored, found);
  if (Array.isArray(was) && Array.isArray(is)) {
    for (let index = 0; index < Math.max(was.length, is.length); index++) go(index, was[index], is[index]);
  } else if (isPlainObject(was) && isPlainObject(is)) {
    for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) go(key, own(was, key), own(is, key));
  } else if (!isSame(was, is)) {
    found.push({ path: textOfPath(at), was, is });
  }
}

/** Scalars of the value model, bytes and dates among them. */
export function isSame(one: unknown, other: unknown): boolean {
  if (types.isUint8Array(one) && types.isUint8Array(other)) return Buffer.compare(one, other) === 0;
  if (one instanceof Date && other instanceof Date) return Object.is(one.getTime(), other.getTime());
  return one === other || Object.is(one, other);
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function matches(pattern: Pattern, at: readonly Step[]): boolean {
  return pattern.length === at.length && pattern.every((step, index) => step === "*" || step === String(at[index]));
}

function textOfPath(at: readonly Step[]): string {
  let place: { parent: typeof place; key: Step } | undefined = { parent: undefined, key: "" };
  for (const key of at.slice(0, -1)) place = { parent: place, key };
  return pathOf(place, at.at(-1));
}
