/** Handlers for people: aligned columns. A server's text is shown, and commands no terminal. */
import { printable, printableLine } from "../printable.ts";
import type { HandlerDescription, HandlerList } from "../wire/introspection.ts";

export function listText({ handlers, codecs }: HandlerList): string {
  const rows = handlers.map(({ name, state, description = "" }) => [name, state, description].map(shown));
  const table = handlers.length === 0 ? ["no handlers"] : columns([["NAME", "STATE", "DESCRIPTION"], ...rows]);
  return `${[...table, "", `codecs: ${listing(codecs)}`].join("\n")}\n`;
}

export function descriptionText(told: HandlerDescription): string {
  const { name, description, state, isolation, pool, timeoutMs, concurrency, limits, codecs, notes = [] } = told;
  const walls =
    pool === undefined ? "" : `, ${pool.maxWorkers} at most, ${pool.memoryMb} MB each, closed after ${pool.idleMs} ms`;
  const facts = [
    ["name", name],
    ...(description === undefined ? [] : [["description", description]]),
    ["state", state],
    ["isolation", `${isolation}${walls}`],
    ["timeout", `${timeoutMs} ms`],
    ["concurrency", concurrency === undefined ? "as the endpoints let through" : String(concurrency)],
    ["limits", `${limits.maxMessageBytes} bytes, ${limits.maxFrames} frames, depth ${limits.maxDepth}`],
    ["codecs", listing(codecs)],
    ...notes.map((note) => ["note", note]),
  ];
  const blocks = [
    ...schemaBlock("input", told.input),
    ...schemaBlock("output", told.output),
    ...(told.protobuf ?? []).map(({ codec, request, response, proto }) => {
      const head = shown(`protobuf ${codec}: ${request} -> ${response}`);
      return proto === undefined ? head : `${head}\n${indented(printable(String(proto)))}`;
    }),
  ];
  return `${[columns(facts.map((row) => row.map(shown))).join("\n"), ...blocks].join("\n\n")}\n`;
}

function schemaBlock(side: string, schema: object | undefined): string[] {
  return schema === undefined ? [] : [`${side}\n${indented(printable(JSON.stringify(schema, null, 2)))}`];
}

function indented(text: string): string {
  return text.trimEnd().replace(/^(?=.)/gm, "  ");
}

function listing(names: readonly string[]): string {
  return names.map(shown).join(", ");
}

/** What is a text in ZEP/1 may be anything in a stranger's reply. */
function shown(text: unknown): string {
  return printableLine(String(text));
}

/** Two spaces between; the last column is as long as it is. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
