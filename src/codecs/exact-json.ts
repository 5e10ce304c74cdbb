/** JSON as people write it, with the numbers that were written: JSON.parse rounds large ones without a word. */
import { createRequire } from "node:module";
import type { Node } from "jsonc-parser";

/** Large integers are written with 16 digits or more, what is too large for any number with an exponent or 300 digits. */
const MAY_BE_INEXACT = /\d{16}|\d[eE]/;

/**
 * The value, integers outside ±(2^53-1) as bigint. Throws a SyntaxError for what is no JSON, and a RangeError for a
 * number that no double holds, such as 1e400.
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!MAY_BE_INEXACT.test(text)) return value;
  const { parseTree } = createRequire(import.meta.url)("jsonc-parser") as typeof import("jsonc-parser");
  const tree = parseTree(text);
  return tree === undefined ? value : valueAt(tree, text);
}

function valueAt(node: Node, text: string): unknown {
  if (node.type === "array") return node.children?.map((child) => valueAt(child, text));
  if (node.type === "object") {
    const members = (node.children ?? []).map(({ children: [key, member] = [] }) => [
      key?.value,
      member === undefined ? undefined : valueAt(member, text),
    ]);
    return Object.fromEntries(members);
  }
  return node.type === "number" ? numberOf(text.slice(node.offset, node.offset + node.length)) : node.value;
}

function numberOf(written: string): number | bigint {
  const value = Number(written);
  if (!Number.isFinite(value)) throw new RangeError(`${written} is larger than any number`);
  return /^-?\d+$/.test(written) && !Number.isSafeInteger(value) ? BigInt(written) : value;
}
