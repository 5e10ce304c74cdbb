/** What an endpoint that serves by name tells of its handlers, in the program and over the wire. */
import { describe, expect, onTestFinished, test } from "vitest";
import { Request } from "zeromq";
import * as zod from "zod";
import { createClient } from "../../src/client/create-client.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { defineHandler } from "../../src/handler.ts";
import { createHost, type Host } from "../../src/host.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";

const BUILT_IN = ["cbor", "json", "msgpack", "protobuf", "raw"];

const HANDLERS = {
  vat: defineHandler({
    description: "Adds VAT",
    timeoutMs: 700,
    concurrency: 3,
    input: zod.object({ price: zod.number() }),
    output: zod.number(),
    handle: ({ price }) => price * 1.19,
  }),
  "orders.create": () => null,
};

const ENDPOINTS = {
  all: { bind: ANY_PORT, handlers: ["*"], limits: { maxMessageBytes: 1000, maxFrames: 7, maxDepth: 9 } },
  orders: { bind: ANY_PORT, handlers: ["orders.*"] },
  hidden: { bind: ANY_PORT, handlers: ["*"], introspection: false },
  plain: { bind: ANY_PORT, handler: "vat", codec: "json" },
};

function client(host: Host, endpoint: string) {
  const made = createClient({ connect: addressOf(host, endpoint) });
  onTestFinished(() => made.close());
  return made;
}

/** A host on files. */
async function hostOn(files: Record<string, string>, config: ConfigInput = {}) {
  const folder = await createFolder(files);
  const endpoints = { all: { bind: ANY_PORT, handlers: ["*"] } };
  const host = createHost(
    { plugins: ["./plugins"], watch: true, endpoints, ...config },
    { folder, log: recordingLog() },
  );
  await host.start();
  onTestFinished(() => host.stop(0));
  return { host, folder };
}

test("list names the handlers that the endpoint serves, and the codecs, sorted", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  expect(await client(host, "all").list()).toEqual({
    handlers: [
      { name: "echo", description: expect.any(String), state: "ready" },
      { name: "mock", description: expect.any(String), state: "ready" },
      { name: "orders.create", state: "ready" },
      { name: "vat", description: "Adds VAT", state: "ready" },
    ],
    codecs: BUILT_IN,
  });
  expect((await client(host, "orders").list()).handlers).toEqual([{ name: "orders.create", state: "ready" }]);
});

test("describe tells all of a handler that a caller must know", async () => {
  const host = await startHost({ endpoints: ENDPOINTS, handlers: { vat: { timeoutMs: 900 } } }, HANDLERS);
  expect(await client(host, "all").describe("vat")).toEqual({
    name: "vat",
    description: "Adds VAT",
    state: "ready",
    isolation: "inline",
    timeoutMs: 900,
    concurrency: 3,
    limits: { maxMessageBytes: 1000, maxFrames: 7, maxDepth: 9 },
    codecs: BUILT_IN,
    input: expect.objectContaining({ required: ["price"] }),
    output: expect.objectContaining({ type: "number" }),
  });
});

test.each(["vat", "nobody", "__proto__"])(
  "describe of %s, which the endpoint does not serve, is not_found",
  async (name) => {
    const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
    await expect(client(host, "orders").describe(name)).rejects.toMatchObject({ name: "CallError", code: "not_found" });
  },
);

test("an endpoint without introspection tells nothing", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  const hidden = client(host, "hidden");
  for (const ask of [hidden.list, () => hidden.describe("vat"), hidden.stats])
    await expect(ask()).rejects.toMatchObject({
      code: "unimplemented",
      message: "this endpoint tells nothing of itself",
    });
  expect(await hidden.ping()).toEqual({ protocol: "ZEP1", endpoint: "hidden" });
});

test("the host tells its own program of all that is served", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  expect(host.list()).toEqual(await client(host, "all").list());
  expect(host.describe("vat")).toMatchObject({ name: "vat", limits: { maxFrames: 64 } });
  expect(() => host.describe("nobody")).toThrow('there is no handler "nobody" here');
});

test("stats over the client are the host's", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  await client(host, "all").call("orders.create", "x");
  const { uptimeMs: _, ...told } = await client(host, "all").stats();
  const { uptimeMs: __, ...own } = host.stats();
  expect(told).toEqual(own);
});

test("the replies are successes in json, of one frame", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  const socket = new Request({ linger: 0, receiveTimeout: 5000 });
  onTestFinished(() => socket.close());
  socket.connect(addressOf(host, "all"));
  for (const question of [["ZEP1 list"], ["ZEP1 describe", "vat"]]) {
    await socket.send(question);
    const reply = (await socket.receive()).map(String);
    expect([reply.length, reply[0], reply[1], reply[2]]).toEqual([4, "ZEP1 ok", "json", ""]);
  }
});

test("a plugin that does not load is described as broken, until it is mended", async () => {
  const { host, folder } = await hostOn(
    { "plugins/vat.mjs": "export default 5;" },
    { handlers: { vat: { timeoutMs: 7 } } },
  );
  const asked = client(host, "all");
  expect((await asked.list()).handlers).toContainEqual({ name: "vat", state: "broken" });
  expect(await asked.describe("vat")).toMatchObject({ name: "vat", state: "broken", timeoutMs: 7 });
  await writeFiles(folder, { "plugins/vat.mjs": 'export default { description: "Good", handle: () => 1 };' });
  await host.reload();
  expect((await asked.list()).handlers).toContainEqual({ name: "vat", description: "Good", state: "ready" });
});

test("a setup that fails is broken too, and its plugin is described", async () => {
  const { host } = await hostOn({
    "plugins/vat.mjs": 'export default { description: "Good", setup() { throw new Error("no"); }, handle: () => 1 };',
  });
  expect(host.list().handlers).toContainEqual({ name: "vat", description: "Good", state: "broken" });
});

test("while an earlier version goes on, it is what is described", async () => {
  const { host, folder } = await hostOn({
    "plugins/vat.mjs": 'export default { description: "One", handle: () => 1 };',
  });
  await writeFiles(folder, { "plugins/vat.mjs": "export default 5;" });
  await host.reload();
  expect(host.describe("vat")).toMatchObject({ description: "One", state: "ready" });
});

describe("of a handler in a thread", () => {
  const ZOD = import.meta.resolve("zod");
  const PLUGIN = `import { z } from ${JSON.stringify(new URL(ZOD).pathname)};
    globalThis.ranInHost = true;
    export default { description: "Walled", input: z.object({ at: z.string() }), output: z.date(), handle: () => 1 };`;
  const WALLED = {
    handlers: { vat: { isolation: "thread", pool: { maxWorkers: 2, idleMs: 50, memoryMb: 64 } } },
  } as const;

  test("the schemas come from the worker, and the host does not run it", async () => {
    const { host } = await hostOn({ "plugins/vat.mjs": PLUGIN }, WALLED);
    expect(await client(host, "all").describe("vat")).toMatchObject({
      description: "Walled",
      isolation: "thread",
      concurrency: 2,
      pool: { maxWorkers: 2, idleMs: 50, memoryMb: 64 },
      input: { type: "object", required: ["at"] },
      notes: ["output: Date cannot be represented in JSON Schema"],
    });
    expect(globalThis).not.toHaveProperty("ranInHost");
  });
});

test("codecs of the configuration are there with their message types", async () => {
  const proto =
    'syntax = "proto3"; package shop; message Order { string name = 1; } message Receipt { int64 total = 1; }';
  const { host } = await hostOn(
    { "order.proto": proto },
    { codecs: { order: { type: "protobuf", proto: "order.proto", request: "shop.Order", response: "shop.Receipt" } } },
  );
  expect(await client(host, "all").describe("echo")).toMatchObject({
    codecs: ["cbor", "json", "msgpack", "order", "protobuf", "raw"],
    protobuf: [
      {
        codec: "order",
        request: "shop.Order",
        response: "shop.Receipt",
        proto: expect.stringContaining("package shop;\n\nmessage Order {\n  string name = 1;\n}\n"),
      },
    ],
  });
});

test("a codec in code is none of a handler's in workers", async () => {
  const folder = await createFolder({ "plugins/vat.mjs": "export default () => 1;" });
  const codec = { encode: () => new Uint8Array(), decode: () => null };
  const host = createHost(
    {
      handlers: { vat: { isolation: "thread" } },
      endpoints: { all: { bind: ANY_PORT, handlers: ["*"] } },
      watch: false,
    },
    { folder, log: recordingLog(), codecs: { mine: codec } },
  );
  await host.start();
  onTestFinished(() => host.stop(0));
  expect(host.describe("vat").codecs).toEqual(BUILT_IN);
  expect(host.describe("echo").codecs).toEqual(["cbor", "json", "mine", "msgpack", "protobuf", "raw"]);
});

test("a plain endpoint does not speak it, whatever it replies", async () => {
  const host = await startHost({ endpoints: { ...ENDPOINTS, echo: { bind: ANY_PORT } } }, HANDLERS);
  for (const endpoint of ["plain", "echo"])
    await expect(client(host, endpoint).list()).rejects.toMatchObject({
      name: "CallError",
      code: "unimplemented",
      message: expect.stringContaining("the server does not speak ZEP/1"),
    });
});
