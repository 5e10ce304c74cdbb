/** What is wrong with a value or with bytes, and where: the path grows from the inside out as the error passes up. */
import { shorten } from "../../wording.ts";

export class Fault extends Error {
  /** Such as `.items[0].qty`, from the value that is being walked. */
  path = "";
}

/** Puts the step just left in front of a fault's path; anything else thrown passes as it is. */
export function within(thrown: unknown, step: string): unknown {
  if (thrown instanceof Fault) thrown.path = step + thrown.path;
  return thrown;
}

/** `.qty`, or `["a b"]` for a name that is no identifier. */
export function memberStep(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${quote(name)}]`;
}

/** What a value is, in words for an error message: `a string`, `null`, `1.5`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === "boolean") return String(value);
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") return `${shorten(String(value))}n`;
  if (typeof value === "string") return `the string ${quote(value)}`;
  if (Array.isArray(value)) return "an array";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Date) return "a Date";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A text as a short quotation in one line. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text));
}
