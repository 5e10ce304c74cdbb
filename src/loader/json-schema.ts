/**
 * What a handler takes and replies as JSON Schema, where its schemas can say it: Standard JSON Schema, which is
 * `~standard.jsonSchema` beside Standard Schema's `validate` (https://standardschema.dev/json-schema).
 */
import { type JsonObject, textOf } from "../errors.ts";
import type { HandlerDefinition } from "../handler.ts";
import { firstLine, shorten } from "../wording.ts";

/** Plain data, so that a worker can send it. */
export interface JsonSchemas {
  readonly input?: JsonObject;
  readonly output?: JsonObject;
  /** Why one of them is absent, if a schema offers it and can't say it. */
  readonly notes?: readonly string[];
}

/** In bytes of JSON. A description must fit into a message, whatever a schema becomes. */
export const MAX_SCHEMA_BYTES = 64 * 1024;

const TARGET = "draft-2020-12";

/** A conversion runs the code of a schema's library, and whoever may ask may ask often. */
const known = new WeakMap<HandlerDefinition, JsonSchemas>();

/** What the caller sends, and what the caller gets. Never throws. */
export function jsonSchemasOf(definition: HandlerDefinition): JsonSchemas {
  const ready = known.get(definition);
  if (ready !== undefined) return ready;
  const notes: string[] = [];
  const input = convert(definition.input, "input", notes);
  const output = convert(definition.output, "output", notes);
  const schemas = {
    ...(input !== undefined && { input }),
    ...(output !== undefined && { output }),
    ...(notes.length > 0 && { notes }),
  };
  known.set(definition, schemas);
  return schemas;
}

function convert(schema: unknown, side: "input" | "output", notes: string[]): JsonObject | undefined {
  try {
    const converter = converterOf(schema);
    if (converter === undefined) return undefined;
    const text = JSON.stringify(converter[side]({ target: TARGET }));
    const bytes = Buffer.byteLength(text ?? "");
    if (bytes > MAX_SCHEMA_BYTES)
      throw new Error(`it has ${bytes} bytes as JSON Schema; ${MAX_SCHEMA_BYTES} at most are told`);
    const parsed: unknown = JSON.parse(text ?? "null");
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
      throw new Error("its library gave no JSON Schema");
    return parsed as JsonObject;
  } catch (error) {
    notes.push(`${side}: ${shorten(firstLine(textOf(error)), 200)}`);
    return undefined;
  }
}

type Convert = (options: { readonly target: string }) => unknown;

/** Some libraries' schemas are functions. */
function converterOf(schema: unknown): Record<"input" | "output", Convert> | undefined {
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) return undefined;
  const standard: unknown = Reflect.get(schema, "~standard");
  const converter: unknown =
    typeof standard === "object" && standard !== null ? Reflect.get(standard, "jsonSchema") : undefined;
  return typeof converter === "object" && converter !== null
    ? (converter as Record<"input" | "output", Convert>)
    : undefined;
}
