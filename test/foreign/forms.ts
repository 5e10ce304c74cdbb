/**
 * A value as text that is the same in both languages if, and only if, the value is: differential.py writes it too. Numbers are
 * integers as far as a double is exact, else their 64 bits; text is UTF-16, in which half a surrogate pair has a place.
 */

export function formOf(value: unknown): string {
  switch (typeof value) {
    case "boolean":
      return value ? "t" : "f";
    case "bigint":
      return `i${value}`;
    case "number":
      return numberForm(value);
    case "string":
      return `s${textForm(value)}`;
    default:
  }
  if (value === null) return "n";
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString("hex")}`;
  if (value instanceof Date) return `@${value.getTime()}`;
  if (Array.isArray(value)) return `[${value.map(formOf).join()}]`;
  const members = Object.entries(value as object).map(([key, item]) => `${textForm(key)}:${formOf(item)}`);
  return `{${members.sort().join()}}`;
}

function numberForm(value: number): string {
  if (Number.isNaN(value)) return "dNaN";
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : `i${value}`;
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  return `d${bits.toString("hex")}`;
}

function textForm(text: string): string {
  return Buffer.from(text, "utf16le").swap16().toString("hex");
}
