import { expect, test } from "vitest";
import { valueFromBody } from "../../src/cli/body.ts";
import { createCodec } from "../../src/codecs/registry.ts";

const json = createCodec("json");

test.each(["hello", "Hello, Jürgen!", "a b"])("plain words without quotes get a hint: %s", async (text) => {
  await expect(valueFromBody(text, json, false)).rejects.toThrow(`; for a text, quote it twice: '"${text}"'`);
});

test.each(["{a: 1}", "[1,", '"half', "'single'", "1,5", "", "a\nb"])(
  "what was meant as JSON gets none: %j",
  async (text) => {
    await expect(valueFromBody(text, json, false)).rejects.toThrow(/^the body is no JSON(?!.*quote)/s);
  },
);

test("an error calls it what it is told to", async () => {
  await expect(valueFromBody("{", json, false, "--reply")).rejects.toThrow(/^--reply is no JSON, which the codec json/);
  await expect(valueFromBody("@/gone", json, false)).rejects.toThrow("(what starts with @ names a file)");
});
