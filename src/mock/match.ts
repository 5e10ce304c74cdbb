/** Whether a value is what a rule asks for. Rules are JSON, values are of the model. */
import { types } from "node:util";
import { isPlainObject } from "../config/path.ts";

/**
 * Objects match if all keys of the rule do, arrays element by element, scalars if they are equal. A text matches a big
 * integer by its decimals, a date by its ISO form, and bytes by their text in UTF-8 or in base64.
 */
export function matches(rule: unknown, value: unknown): boolean {
  if (Array.isArray(rule)) {
    return (
      Array.isArray(value) && rule.length === value.length && rule.every((part, index) => matches(part, value[index]))
    );
  }
  if (isPlainObject(rule)) {
    if (!isPlainObject(value)) return false;
    return Object.entries(rule).every(([key, part]) => Object.hasOwn(value, key) && matches(part, value[key]));
  }
  if (typeof rule !== "string" || typeof value === "string") return Object.is(rule, value) || rule === value;
  if (typeof value === "bigint") return rule === value.toString();
  if (value instanceof Date) return !Number.isNaN(value.getTime()) && rule === value.toISOString();
  if (!types.isUint8Array(value)) return false;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  return bytes.equals(Buffer.from(rule)) || rule === bytes.toString("base64");
}
