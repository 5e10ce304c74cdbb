/** The table of values.json, as the programs here have it too. */
import { readFileSync } from "node:fs";
import type { Value } from "zmqecho";
import { here } from "./programs.ts";

export type ValueCodec = "json" | "cbor" | "msgpack" | "protobuf";

interface Row {
  readonly name: string;
  readonly value: unknown;
  readonly only?: readonly ValueCodec[];
}

/** All that a codec can carry, in order. */
export function valuesOf(codec: ValueCodec): { name: string; value: Value; isJson: boolean }[] {
  const rows = JSON.parse(readFileSync(`${here}values.json`, "utf8")) as Row[];
  return rows
    .filter(({ only = [codec] }) => only.includes(codec))
    .map(({ name, value, only }) => ({ name, value: revive(value), isJson: only === undefined }));
}

function revive(value: unknown): Value {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value as Value;
  const entries = Object.entries(value);
  const [key, given] = entries[0] ?? [];
  if (entries.length === 1) {
    if (key === "$int") return BigInt(given);
    if (key === "$float") return floatFrom(given);
    if (key === "$bytes") return new Uint8Array(Buffer.from(given, "hex"));
    if (key === "$date") return new Date(given);
    if (key === "$repeat")
      return typeof given[0] === "string" ? given[0].repeat(given[1]) : arrayOf(given[0], given[1]);
    if (key === "$nest") return nested(given);
  }
  return Object.fromEntries(entries.map(([name, item]) => [name, revive(item)]));
}

function floatFrom(text: string): number {
  return text === "inf" ? Number.POSITIVE_INFINITY : text === "-inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

function arrayOf(items: readonly Value[], times: number): Value {
  return Array.from({ length: times }, () => items).flat() as Value;
}

function nested(depth: number): Value {
  let value: Value = [];
  for (let left = depth - 1; left > 0; left--) value = [value];
  return value;
}
