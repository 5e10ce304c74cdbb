/** A value that a JSON Schema allows, for somebody to begin with. */
import type { Json, JsonObject } from "../src/errors.ts";

const DEEPEST = 6;

/**
 * The schema's own example or default where it has one; what is required and what is not, once each. Within a type that is
 * made of itself it is not there again: each level would be as many times as large as the one above as it has such parts.
 */
export function exampleOf(schema: JsonObject): Json {
  return valueFor(schema, schema, []);
}

/** @param above the schemas that it is within */
function valueFor(given: Json | undefined, root: JsonObject, above: readonly JsonObject[]): Json {
  if (!isObject(given) || above.length > DEEPEST) return null;
  const schema = resolved(given, root);
  if (above.includes(schema)) return null;
  const within = [...above, schema];
  if (schema.const !== undefined) return schema.const;
  for (const list of [schema.examples, schema.enum]) if (isList(list) && list[0] !== undefined) return list[0];
  if (schema.default !== undefined) return schema.default;
  for (const list of [schema.anyOf, schema.oneOf, schema.allOf])
    if (isList(list) && list.length > 0) return valueFor(list[0], root, within);
  const type = isList(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "object":
      return Object.fromEntries(
        Object.entries(isObject(schema.properties) ? schema.properties : {}).map(([name, property]) => [
          name,
          valueFor(property, root, within),
        ]),
      );
    case "array":
      return isList(schema.prefixItems)
        ? schema.prefixItems.map((item) => valueFor(item, root, within))
        : [valueFor(schema.items, root, within)];
    case "string":
      return textFor(schema);
    case "integer":
    case "number":
      return numberFor(schema);
    case "boolean":
      return true;
    default:
      return null;
  }
}

function resolved(schema: JsonObject, root: JsonObject): JsonObject {
  const { $ref } = schema;
  if ($ref === "#") return root;
  if (typeof $ref !== "string" || !$ref.startsWith("#/")) return schema;
  let found: Json | undefined = root;
  for (const step of $ref.slice(2).split("/"))
    found = isObject(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  return isObject(found) ? found : schema;
}

const FORMATS: ReadonlyMap<string, string> = new Map([
  ["date-time", "2026-01-01T12:00:00Z"],
  ["date", "2026-01-01"],
  ["email", "ada@example.org"],
  ["uri", "https://example.org"],
  ["uuid", "00000000-0000-4000-8000-000000000000"],
]);

function textFor({ format, minLength }: JsonObject): string {
  return (
    FORMATS.get(String(format)) ?? "text".padEnd(typeof minLength === "number" ? Math.min(minLength, 100) : 0, "x")
  );
}

function numberFor({ minimum, exclusiveMinimum, maximum }: JsonObject): number {
  if (typeof minimum === "number" && minimum > Number.MIN_SAFE_INTEGER) return minimum;
  if (typeof exclusiveMinimum === "number") return exclusiveMinimum + 1;
  return typeof maximum === "number" && maximum < 1 ? maximum : 1;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
