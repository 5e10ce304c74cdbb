/** Where in a value something is, for error messages. */

import { shorten } from "../wording.ts";

/** A container on the way down; the root has no parent, and its key means nothing. */
export interface Place {
  readonly parent: Place | undefined;
  readonly key: string | number;
}

/** The longest piece of a stranger's text in a message, in characters. */
export const LONGEST_QUOTE = 32;

/** `$.items[3].when`, short however deep it is or long its keys are. Without a key the container's own path. */
export function pathOf(place: Place | undefined, key: string | number | undefined): string {
  const keys: (string | number)[] = place === undefined || key === undefined ? [] : [key];
  for (let at = place; at?.parent !== undefined; at = at.parent) keys.unshift(at.key);
  const shown = keys.length <= 12 ? keys : [...keys.slice(0, 6), undefined, ...keys.slice(-5)];
  return `$${shown.map((step) => (step === undefined ? "…" : stepOf(step))).join("")}`;
}

function stepOf(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  return /^[A-Za-z_$][\w$]{0,31}$/.test(key) ? `.${key}` : `[${JSON.stringify(shorten(key, LONGEST_QUOTE))}]`;
}
