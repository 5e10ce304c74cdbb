/** Paths into a configuration, and the plain data they lead through. */

/** Keys and indexes from the top: `["endpoints", "echo", "bind", 0]`. */
export type Path = readonly (string | number)[];

/** `endpoints.echo.bind[0]`; a key with a dot or a blank in it as `handlers["orders.create"]`. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[\w$-]+$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

/** True for an object that is a set of keys, not a list, a date or an instance of something. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object from another realm (a config evaluated elsewhere) has that realm's Object.prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What stands at a path, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}
