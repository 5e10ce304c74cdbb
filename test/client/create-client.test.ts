import { expect, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import { defineCodec } from "../../src/handler.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

const upper = defineCodec({
  encode: (value) => Buffer.from(String(value).toUpperCase()),
  decode: (bytes) => Buffer.from(bytes).toString(),
});

test("takes a codec by name, by spec, as it was made, and one of your own", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT } } });
  const ask = async (codec: Parameters<typeof createClient>[0]["codec"]) => {
    await using client = createClient({ connect: addressOf(host, "e"), ...(codec !== undefined && { codec }) });
    return await client.request("a");
  };
  expect(await ask(undefined)).toEqual(Buffer.from("a"));
  for (const codec of ["json", { type: "json" }, createCodec("json")] as const) expect(await ask(codec)).toBe("a");
  expect(await ask(upper)).toBe("A");
});
