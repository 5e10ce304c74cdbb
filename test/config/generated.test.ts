import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { schemaText, withReference } from "../../config/generate.ts";

const schemaFile = new URL("../../config/zmqecho.schema.json", import.meta.url).pathname;
const reference = new URL("../../docs/config.md", import.meta.url).pathname;

test("the JSON Schema is that of the code", async () => {
  await expect(schemaText()).toMatchFileSnapshot(schemaFile);
});

test("the reference is that of the code", async () => {
  await expect(withReference(await readFile(reference, "utf8"))).toMatchFileSnapshot(reference);
});
