/** `${NAME}` and `${NAME:-default}` in the strings of a config file. */
import type { Path } from "./path.ts";
import { isPlainObject } from "./path.ts";

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Something wrong at a place that is not yet a line and column. */
export interface PathProblem {
  readonly path: Path;
  readonly message: string;
}

export interface Interpolated {
  readonly value: unknown;
  /** The text as written, by `JSON.stringify(path)`, of each string that held a variable. */
  readonly sources: ReadonlyMap<string, string>;
  readonly problems: readonly PathProblem[];
}

/**
 * A copy of plain data with its variables filled in. Keys stay as they are, what a variable holds is not expanded again,
 * properties that are undefined drop, and `__proto__` and cycles are problems. Without `env` strings stay as they are.
 */
export function interpolate(input: unknown, env?: Environment): Interpolated {
  const sources = new Map<string, string>();
  const problems: PathProblem[] = [];
  const ancestors = new Set<object>();

  const visit = (value: unknown, path: Path): unknown => {
    if (typeof value === "string") return env === undefined ? value : fill(value, path, env);
    if (!Array.isArray(value) && !isPlainObject(value)) return value;
    if (ancestors.has(value)) {
      problems.push({ path, message: "a cycle: this value contains itself" });
      return undefined;
    }
    ancestors.add(value);
    const copy = Array.isArray(value)
      ? value.map((item, index) => visit(item, [...path, index]))
      : entries(value, path);
    ancestors.delete(value);
    return copy;
  };

  const entries = (object: Record<string, unknown>, path: Path): Record<string, unknown> => {
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(object)) {
      if (key === "__proto__") problems.push({ path: [...path, key], message: "a key may not be named __proto__" });
      else if (item !== undefined) copy[key] = visit(item, [...path, key]);
    }
    return copy;
  };

  const fill = (text: string, path: Path, variables: Environment): string => {
    if (!text.includes("${")) return text;
    const result = expand(text, variables);
    for (const message of result.problems) problems.push({ path, message });
    if (result.variables > 0) sources.set(JSON.stringify(path), text);
    return result.text;
  };

  return { value: visit(input, []), sources, problems };
}

/** One left-to-right pass: an escape, a variable, or an opening that is neither. */
const OPENING = /\$\$\{|\$\{(?:([A-Za-z_]\w*)(?::-([^}]*))?\})?/g;

function expand(text: string, env: Environment): { text: string; variables: number; problems: string[] } {
  const problems: string[] = [];
  let variables = 0;
  const expanded = text.replaceAll(OPENING, (opening: string, name?: string, fallback?: string) => {
    if (opening === "$${") return "${";
    if (name === undefined) {
      problems.push(`"\${" begins no \${NAME} or \${NAME:-default}; for the two characters themselves write "$\${"`);
      return opening;
    }
    variables += 1;
    const value = env[name];
    // As in a shell, ":-" also stands in for a variable that is set to nothing.
    if (fallback !== undefined) return value || fallback;
    if (value === undefined)
      problems.push(`the environment variable ${name} is not set; set it, or write \${${name}:-default}`);
    return value ?? "";
  });
  return { text: expanded, variables, problems };
}
