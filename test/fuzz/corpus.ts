/** Inputs that are kept: each has once shown something, or goes where few others go. A file of JSON for each room. */
import { readFileSync } from "node:fs";

export interface Kept {
  readonly why: string;
  readonly bytes: Buffer;
}

export function corpusOf(room: string): Kept[] {
  const file = new URL(`corpus/${room}.json`, import.meta.url);
  const rows = JSON.parse(readFileSync(file, "utf8")) as { readonly why: string; readonly hex: string }[];
  return rows.map(({ why, hex }) => ({ why, bytes: Buffer.from(hex, "hex") }));
}
