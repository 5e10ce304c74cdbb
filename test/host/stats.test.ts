/** What a host tells of itself in numbers, in the program and over the wire. */
import { EventEmitter, once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { Request } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import { loadConfig } from "../../src/config/load.ts";
import { LATENCY_BOUNDS_MS } from "../../src/counts.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { createHost } from "../../src/host.ts";
import { client as curveClient, site } from "../curve-site.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";

const HANDLERS = {
  good: (input: unknown) => input,
  bad: () => {
    throw new ZmqEchoError("aborted", "no");
  },
  "orders.create": () => null,
};

const ENDPOINTS = {
  all: { bind: ANY_PORT, handlers: ["*"], concurrency: 4 },
  orders: { bind: ANY_PORT, handlers: ["orders.*"], concurrency: 4 },
  hidden: { bind: ANY_PORT, handlers: ["*"], introspection: false },
  plain: { bind: ANY_PORT, handler: "orders.create", codec: "json" },
};

function client(connect: string) {
  const made = createClient({ connect, codec: "json" });
  onTestFinished(() => made.close());
  return made;
}

async function exchange(address: string, ...frames: string[]): Promise<string[]> {
  const socket = new Request({ linger: 0, receiveTimeout: 5000 });
  onTestFinished(() => socket.close());
  socket.connect(address);
  await socket.send(frames);
  return (await socket.receive()).map(String);
}

async function statsFrom(address: string) {
  const [status, codec, , body = ""] = await exchange(address, "ZEP1 stats");
  expect([status, codec]).toEqual(["ZEP1 ok", "json"]);
  return JSON.parse(body);
}

test("calls are counted by code, for their endpoint and their handler", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  const all = client(addressOf(host, "all"));
  for (const name of ["good", "good", "bad", "nobody"]) await all.call(name, 1).catch(() => null);
  const { endpoints, handlers } = host.stats();
  expect(endpoints.all).toMatchObject({
    inFlight: 0,
    queued: 0,
    refused: 0,
    codes: { ok: 2, aborted: 1, not_found: 1 },
  });
  expect([handlers.good?.codes, handlers.bad?.codes, handlers.nobody]).toEqual([{ ok: 2 }, { aborted: 1 }, undefined]);
  expect(endpoints.orders?.codes).toEqual({});
});

test("each call is in one bucket of the latency", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  for (let round = 0; round < 5; round++) await client(addressOf(host, "all")).call("good", 1);
  const { buckets, sumMs } = host.stats().handlers.good?.latency ?? { buckets: [], sumMs: 0 };
  expect(buckets).toHaveLength(LATENCY_BOUNDS_MS.length + 1);
  expect(buckets.reduce((sum, count) => sum + count)).toBe(5);
  expect(sumMs).toBeGreaterThan(0);
});

test("a message that is no call is counted for its endpoint", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  await exchange(addressOf(host, "all"), "nonsense");
  expect(host.stats().endpoints.all?.codes).toEqual({ invalid_argument: 1 });
});

test("ZEP1 stats tells what host.stats() does, to an endpoint that serves all", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  await client(addressOf(host, "plain")).request(1);
  const { uptimeMs: _, ...told } = await statsFrom(addressOf(host, "all"));
  const { uptimeMs: __, ...own } = host.stats();
  expect(told).toEqual(own);
});

test("ZEP1 stats tells of no handler and no endpoint that the asked one does not cover", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  const told = await statsFrom(addressOf(host, "orders"));
  expect(Object.keys(told.endpoints)).toEqual(["orders", "plain"]);
  expect(Object.keys(told.handlers)).toEqual(["orders.create"]);
});

test("an endpoint without introspection tells nothing", async () => {
  const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
  const [status] = await exchange(addressOf(host, "hidden"), "ZEP1 stats");
  expect(status).toBe("ZEP1 unimplemented");
});

test("refused keys are counted where keys are asked for", async () => {
  const [ann, eve] = [newKeyPair(), newKeyPair()];
  const { server, curve } = site(["ann", ann]);
  const host = await startHost({ endpoints: { guarded: { bind: ANY_PORT, curve }, open: { bind: ANY_PORT } } });
  const address = addressOf(host, "guarded");
  await curveClient(address, { server, own: ann }).ask("hello");
  expect(host.stats().endpoints.guarded?.refusedKeys).toBe(0);
  await curveClient(address, { server, own: eve }).ask("hello");
  expect(host.stats().endpoints.guarded?.refusedKeys).toBe(1);
  expect(host.stats().endpoints.open).not.toHaveProperty("refusedKeys");
});

test("replies that nobody takes are counted", { timeout: 60_000 }, async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "big", concurrency: 8 } } },
    {
      big: () => Buffer.alloc(100_000),
    },
  );
  const { Dealer } = await import("zeromq");
  const lazy = new Dealer({ linger: 0, receiveHighWaterMark: 1 });
  onTestFinished(() => lazy.close());
  lazy.connect(addressOf(host, "e"));
  for (let sent = 0; sent < 1200; sent++) await lazy.send(["", "x"]);
  await expect.poll(() => host.stats().endpoints.e?.droppedReplies, { timeout: 45_000 }).toBeGreaterThan(0);
  expect(String((await exchange(addressOf(host, "e"), "x"))[0]).length).toBe(100_000);
});

test("workers of a version that was replaced count until they are gone, and those it lost for ever", async () => {
  const folder = await createFolder({
    "plugins/x.mjs": "export default (input) => (input === 'exit' ? process.exit() : input);",
  });
  const host = createHost(
    {
      watch: false,
      handlers: { x: { isolation: "process", pool: { maxWorkers: 1 } } },
      endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 2 } },
    },
    { folder, log: recordingLog() },
  );
  await host.start();
  onTestFinished(() => host.stop(0));
  const { call } = client(addressOf(host, "e"));
  await expect(call("x", "exit")).rejects.toThrow();
  await call("x", "here");
  expect(host.stats().handlers.x?.workers).toEqual({ live: 1, lost: 1 });
  await writeFiles(folder, { "plugins/x.mjs": "export default () => 2;" });
  await host.reload();
  expect(host.stats().handlers.x?.workers?.lost).toBe(1);
  await expect.poll(() => host.stats().handlers.x?.workers).toEqual({ live: 1, lost: 1 });
});

test("an endpoint that is being closed tells what it has told before", async () => {
  const folder = await createFolder({});
  const configure = (endpoints: object) =>
    writeFiles(folder, { "zmqecho.config.json": JSON.stringify({ watch: false, endpoints }) });
  const orders = { bind: ANY_PORT, handlers: ["orders.*"], concurrency: 2 };
  await configure({ orders, all: { bind: ANY_PORT, handlers: ["*"] } });
  const running = new EventEmitter();
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), {
    log: recordingLog(),
    handlers: {
      ...HANDLERS,
      "orders.wait": async () => {
        running.emit("begun");
        await once(running, "end");
        return null;
      },
    },
  });
  await host.start();
  onTestFinished(() => host.stop(0));
  const address = addressOf(host, "orders");
  const begun = once(running, "begun");
  const waiting = client(address).call("orders.wait", null);
  await begun;
  await configure({ all: { bind: ANY_PORT, handlers: ["*"] } });
  const reloaded = host.reload();
  await expect.poll(() => host.addresses.has("orders")).toBe(false);
  const told = await statsFrom(address);
  expect([Object.keys(told.endpoints), Object.keys(told.handlers)]).toEqual([[], ["orders.create", "orders.wait"]]);
  running.emit("end");
  await waiting;
  await reloaded;
});
