/** From what zod found wrong to what a person can act on: one problem a place, with what was expected and what is there. */
import type { z as Zod } from "zod";
import { shorten, suggestion } from "../wording.ts";
import type { PathProblem } from "./interpolate.ts";
import { isPlainObject, type Path, valueAt } from "./path.ts";

type Issue = Zod.core.$ZodIssue;

/** A problem that may stand at a key rather than at its value. */
export interface Explained extends PathProblem {
  readonly part?: "key";
}

/**
 * @param input what was validated
 * @param written the text at a path where a variable was filled in: it is what is shown, so that what the variable holds is not told
 */
export function explain(
  issues: readonly Issue[],
  input: unknown,
  written: (path: Path) => string | undefined,
): Explained[] {
  const problems = new Map<string, Explained>();
  const add = (problem: Explained) => {
    problems.set(JSON.stringify([problem.path, problem.message]), problem);
  };
  const visit = (issue: Issue, above: Path) => {
    const path = [...above, ...issue.path] as Path;
    if (issue.code === "unrecognized_keys") {
      const known = issue.message.split(" ");
      for (const key of issue.keys) add({ path: [...path, key], part: "key", message: unknownKey(key, known) });
    } else if (issue.code === "invalid_key") {
      const wrong = issue.issues[0]?.message ?? issue.message;
      add({ path, part: "key", message: wrong });
    } else if (issue.code === "custom") {
      add({ path, message: issue.message });
    } else {
      const branch = issue.code === "invalid_union" ? likeliest(issue.errors) : undefined;
      if (branch === undefined) add({ path, message: found(issue.message, path) + hint(issue, path) });
      else for (const inner of branch) visit(inner, path);
    }
  };
  const hint = (issue: Issue, path: Path) => {
    const value = valueAt(input, path);
    if (issue.code === "invalid_value") return suggested(value, issue.values);
    if (issue.code === "invalid_union" && "options" in issue) return suggested(value, issue.options ?? []);
    // Where something else than text is expected, a text with a variable in it was meant to become that.
    const isMeant = issue.code === "invalid_type" && typeof value === "string" && written(path) !== undefined;
    return isMeant ? "; a variable makes text only" : "";
  };
  const found = (expected: string, path: Path) => {
    if (!expected.startsWith("expected")) return expected;
    const value = valueAt(input, path);
    return value === undefined ? `missing: ${expected}` : `${expected}, got ${quoted(written(path) ?? value)}`;
  };
  for (const issue of issues) visit(issue, []);
  return [...problems.values()];
}

/** A value in a message: short, and on one line. */
export function quoted(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return isPlainObject(value) ? "an object" : "an instance of a class";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  if (typeof value !== "string") return String(value);
  return JSON.stringify(shorten(value, 80));
}

function unknownKey(key: string, known: readonly string[]): string {
  return `unknown key ${JSON.stringify(key)}${suggestion(key, known)}`;
}

function suggested(value: unknown, values: readonly unknown[]): string {
  if (typeof value !== "string") return "";
  const text = suggestion(
    value,
    values.filter((candidate) => typeof candidate === "string"),
  );
  return text.startsWith("; did") ? text : "";
}

/** The only alternative whose outer type fits: what is wrong within it is what the person wants to know. */
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = branches.filter(
    (issues) => !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}
