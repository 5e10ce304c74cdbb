/** JSON Schema from what handlers have as their schemas. */
import { expect, test } from "vitest";
import * as zod from "zod";
import { jsonSchemasOf, MAX_SCHEMA_BYTES } from "../../src/loader/json-schema.ts";

const handle = () => null;

/** A schema whose library offers this conversion. */
function schemaWith(input: () => unknown): zod.ZodType {
  const validate = (value: unknown) => ({ value });
  const standard = { version: 1, vendor: "test", validate, jsonSchema: { input, output: input } };
  return { "~standard": standard } as unknown as zod.ZodType;
}

test("zod's schemas say what is sent, and what comes back", () => {
  const schema = zod.object({ price: zod.number(), rate: zod.number().default(19) });
  expect(jsonSchemasOf({ input: schema, output: schema, handle })).toMatchObject({
    input: { type: "object", required: ["price"], $schema: "https://json-schema.org/draft/2020-12/schema" },
    output: { type: "object", required: ["price", "rate"] },
  });
});

test("a schema that offers none is passed over", () => {
  const input = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
  expect(jsonSchemasOf({ input, handle })).toEqual({});
});

test("a conversion that throws leaves a note", () => {
  const schema = zod.object({ at: zod.date() });
  expect(jsonSchemasOf({ input: schema, output: zod.string(), handle })).toMatchObject({
    output: { type: "string" },
    notes: ["input: Date cannot be represented in JSON Schema"],
  });
});

test("one that is too large is left out", () => {
  const input = schemaWith(() => ({ const: "x".repeat(MAX_SCHEMA_BYTES) }));
  expect(jsonSchemasOf({ input, handle })).toEqual({
    notes: [expect.stringMatching(/^input: it has 65548 bytes as JSON Schema; 65536 at most are told$/)],
  });
});

test.each([[undefined], [7], [[]]])("a conversion to %j is none", (value) => {
  expect(jsonSchemasOf({ input: schemaWith(() => value), handle })).toEqual({
    notes: ["input: its library gave no JSON Schema"],
  });
});

test("a schema is converted once, however often it is asked for", () => {
  let conversions = 0;
  const definition = { input: schemaWith(() => ({ type: `${++conversions}` })), handle };
  expect(jsonSchemasOf(definition)).toEqual(jsonSchemasOf(definition));
  expect(conversions).toBe(1);
});
