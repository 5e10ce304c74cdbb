/**
 * The texts that are made from the schema of the configuration: the JSON Schema, and the reference in docs/config.md.
 * `npm run generate` writes them; test/config/generated.test.ts fails if they are not up to date.
 */
import { configJsonSchema } from "../src/config/schema.ts";

/** In docs/config.md, what is above this line is written by hand. */
const MARKER = "<!-- From here on generated from src/config/schema.ts by `npm run generate`. -->";

/** The part of JSON Schema that the schema of the configuration uses. */
interface JsonSchema {
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | JsonSchema;
}

/** The content of config/zmqecho.schema.json. */
export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

/** docs/config.md with a fresh reference under its hand-written head. */
export function withReference(document: string): string {
  const end = document.indexOf(MARKER);
  if (end === -1) throw new Error(`the line ${MARKER} is missing`);
  return `${document.slice(0, end)}${MARKER}\n\n${sections(configJsonSchema(), "").join("\n\n")}\n`;
}

/** A table for this object, then those of the objects in it. */
function sections(schema: JsonSchema, path: string): string[] {
  if (schema.oneOf !== undefined) return schema.oneOf.flatMap((variant) => sections(variant, path));
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return [];
  const rows = properties.map(([key, value]) => {
    const isRequired = schema.required?.includes(key) ?? false;
    return `| \`${key}\` | ${typeText(value)} | ${defaultText(value, isRequired)} | ${value.description ?? ""} |`;
  });
  const table = [
    `## ${titleOf(schema, path)}`,
    "",
    "| key | type | default | meaning |",
    "| --- | --- | --- | --- |",
    ...rows,
  ];
  const inner = properties.flatMap(([key, value]) => {
    const below = path === "" ? key : `${path}.${key}`;
    return value.additionalProperties ? sections(value.additionalProperties, `${below}.NAME`) : sections(value, below);
  });
  return [table.join("\n"), ...inner];
}

function titleOf(schema: JsonSchema, path: string): string {
  if (path === "") return "The top";
  const type = schema.properties?.type;
  const kinds = type?.const === undefined ? type?.enum : [type.const];
  return kinds === undefined ? `\`${path}\`` : `\`${path}\` of type ${kinds.map((kind) => `\`${kind}\``).join(", ")}`;
}

function typeText(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(", or ");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${JSON.stringify(word)}\``).join(", ");
  switch (schema.type) {
    case "string":
      return "text";
    case "boolean":
      return "`true`, `false`";
    case "integer":
      return `${schema.minimum} to ${schema.maximum}`;
    case "array":
      return "list of texts";
    default:
      return Object.keys(schema.additionalProperties || {}).length > 0 ? "objects by name" : "object";
  }
}

function defaultText(schema: JsonSchema, isRequired: boolean): string {
  if (isRequired) return "(required)";
  const isEmptyObject = JSON.stringify(schema.default) === "{}";
  return schema.default === undefined || isEmptyObject ? "" : `\`${JSON.stringify(schema.default)}\``;
}
