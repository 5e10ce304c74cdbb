/** Rules of a mock, read from plain data. */
import type { Path } from "../config/path.ts";
import { formatPath, isPlainObject } from "../config/path.ts";
import { LONGEST_TIMER_MS } from "../durations.ts";
import { ERROR_CODES, type ErrorCode, isErrorCode, type JsonObject } from "../errors.ts";
import { suggestion } from "../wording.ts";

/** What comes in, and what is said to it; the first rule that matches counts. */
export interface MockRule {
  /** Absent: everything matches. */
  readonly match?: unknown;
  /** A value that the endpoint's codec can carry; absent: `null`. */
  readonly reply?: unknown;
  /** Instead of a reply. */
  readonly error?: { readonly code: ErrorCode; readonly message?: string; readonly details?: JsonObject };
  /** Milliseconds before it is said. */
  readonly delayMs?: number;
  /** How often it applies; afterwards it is passed over. */
  readonly times?: number;
}

export interface RuleProblem {
  readonly path: Path;
  readonly message: string;
  /** It is about the key, and not about what stands there. */
  readonly atKey?: boolean;
}

const KEYS = ["match", "reply", "error", "delayMs", "times"];
const ERROR_KEYS = ["code", "message", "details"];

/** All that is wrong with what should be a list of rules; an empty list if it is one. */
export function problemsOfRules(given: unknown, at: Path = []): RuleProblem[] {
  if (!Array.isArray(given)) return [{ path: at, message: `a list of rules is expected, not ${kindOf(given)}` }];
  return given.flatMap((rule, index) => problemsOfRule(rule, [...at, index]));
}

/** `rules[2].error.code: …` */
export function ruleProblemText({ path, message }: RuleProblem): string {
  return path.length === 0 ? message : `${formatPath(path)}: ${message}`;
}

function problemsOfRule(rule: unknown, at: Path): RuleProblem[] {
  if (!isPlainObject(rule)) {
    return [{ path: at, message: `a rule is an object such as {"match":…,"reply":…}, not ${kindOf(rule)}` }];
  }
  const { error, delayMs, times } = rule;
  const problems = unknownKeys(rule, KEYS, at);
  const add = (key: string, message: string) => problems.push({ path: [...at, key], message });
  if (error !== undefined) {
    if ("reply" in rule) add("error", "reply and error exclude each other");
    problems.push(...problemsOfError(error, [...at, "error"]));
  }
  if (delayMs !== undefined && !isWhole(delayMs, 0, LONGEST_TIMER_MS)) {
    add("delayMs", `it takes milliseconds from 0 to ${LONGEST_TIMER_MS}, not ${JSON.stringify(delayMs)}`);
  }
  if (times !== undefined && !isWhole(times, 1, Number.MAX_SAFE_INTEGER)) {
    add("times", `it takes a whole number from 1 on, not ${JSON.stringify(times)}`);
  }
  return problems;
}

function problemsOfError(error: unknown, at: Path): RuleProblem[] {
  if (!isPlainObject(error)) {
    return [{ path: at, message: `an error is an object such as {"code":"not_found"}, not ${kindOf(error)}` }];
  }
  const { code, message, details } = error;
  const problems = unknownKeys(error, ERROR_KEYS, at);
  if (code === undefined) problems.push({ path: at, message: 'its "code" is missing, such as "not_found"' });
  else if (!isErrorCode(code)) {
    const hint = suggestion(String(code), Object.keys(ERROR_CODES));
    problems.push({ path: [...at, "code"], message: `${JSON.stringify(code)} is no error code${hint}` });
  }
  if (message !== undefined && typeof message !== "string") {
    problems.push({ path: [...at, "message"], message: `a text is expected, not ${kindOf(message)}` });
  }
  if (details !== undefined && !isPlainObject(details)) {
    problems.push({ path: [...at, "details"], message: `an object is expected, not ${kindOf(details)}` });
  }
  return problems;
}

export function unknownKeys(given: object, known: readonly string[], at: Path): RuleProblem[] {
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [...at, key], message: `there is no such key${suggestion(key, known)}`, atKey: true }));
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
