import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

const handlers = fileURLToPath(new URL("../../examples/handlers", import.meta.url));
const codecs = ["json", "cbor", "msgpack", "protobuf"] as const;

/** A client of one of the examples, served by name on a host with these options for it. */
async function callerOf(
  handler: string,
  options: Record<string, unknown> = {},
  codec: (typeof codecs)[number] = "json",
) {
  const host = await startHost({
    plugins: [handlers],
    handlers: { [handler]: { options } },
    endpoints: { all: { bind: ANY_PORT, handlers: [handler], concurrency: 8 } },
  });
  const client = createClient({ connect: addressOf(host, "all"), codec });
  onTestFinished(() => client.close());
  return (input: unknown) => client.call(handler, input);
}

async function serviceAt(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

test("each example has a test here", async () => {
  expect((await readdir(handlers)).sort()).toEqual(["anomaly.ts", "kv.ts", "webhook.ts"]);
});

test.each(codecs)("kv keeps what it is given, under %s", async (codec) => {
  const call = await callerOf("kv", {}, codec);
  const value = { x: 1.5, tags: ["a", null, true] };
  expect(await call({ op: "put", key: "robot-7", value })).toEqual({ entries: 1 });
  expect(await call({ op: "get", key: "robot-7" })).toEqual(value);
  expect(await call({ op: "keys", prefix: "robot" })).toEqual(["robot-7"]);
  expect(await call({ op: "delete", key: "robot-7" })).toEqual({ deleted: true });
  await expect(call({ op: "get", key: "robot-7" })).rejects.toMatchObject({ code: "not_found" });
});

test("kv lets the oldest entry give way, and expired ones go", async () => {
  const call = await callerOf("kv", { maxEntries: 2 });
  for (const key of ["a", "b", "c"]) await call({ op: "put", key, value: key });
  expect(await call({ op: "keys" })).toEqual(["b", "c"]);
  await call({ op: "put", key: "b", value: 0, ttlMs: 1 });
  await expect.poll(() => call({ op: "keys" })).toEqual(["c"]);
});

test("kv says what is wrong with a request", async () => {
  const call = await callerOf("kv");
  const refused = { code: "invalid_argument", message: expect.stringContaining("$.op") };
  await expect(call({ op: "drop", key: "a" })).rejects.toMatchObject(refused);
});

test("webhook passes the message on and the answer back", async () => {
  const seen: IncomingMessage[] = [];
  const url = await serviceAt(async (request, response) => {
    seen.push(request);
    response.setHeader("content-type", "application/json").end(JSON.stringify({ got: await json(request) }));
  });
  const call = await callerOf("webhook", { url, headers: { authorization: "Bearer x" } });
  expect(await call({ order: 7 })).toEqual({ status: 200, body: { got: { order: 7 } } });
  expect(seen[0]?.headers).toMatchObject({ authorization: "Bearer x", "x-request-id": expect.any(String) });
});

test.each([
  [404, "not_found"],
  [403, "permission_denied"],
  [429, "resource_exhausted"],
  [500, "unavailable"],
  [418, "unknown"],
])("webhook makes a code of HTTP status %i", async (status, code) => {
  const call = await callerOf("webhook", { url: await serviceAt((_, response) => response.writeHead(status).end()) });
  await expect(call(null)).rejects.toMatchObject({ code, details: { status } });
});

test("webhook says that nobody is there", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const call = await callerOf("webhook", { url: `http://127.0.0.1:${port}/` });
  await expect(call(null)).rejects.toMatchObject({ code: "unavailable" });
});

test.each(codecs)("anomaly finds the reading that stands out, under %s", async (codec) => {
  const call = await callerOf("anomaly", { warmUp: 4 }, codec);
  for (const reading of [20, 21, 20, 21]) {
    expect(await call({ sensor: "t1", reading })).toMatchObject({ anomaly: false, score: 0 });
  }
  expect(await call({ sensor: "t1", reading: 20.4 })).toMatchObject({ anomaly: false, seen: 4 });
  expect(await call({ sensor: "t1", reading: 35 })).toMatchObject({ anomaly: true, seen: 5 });
  expect(await call({ sensor: "t2", reading: 35 })).toMatchObject({ anomaly: false, seen: 0 });
});
