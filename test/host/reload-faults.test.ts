/** Two things at once: a reload and a stop, a refused configuration and what had been served, a closing and an opening. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { createHost } from "../../src/host.ts";
import { ANY_PORT, addressOf, deadAddress, recordingLog } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";

/** A host that looks at the disk when it is told to. */
async function live(files: Record<string, string>, config: ConfigInput) {
  const configure = (given: ConfigInput) =>
    writeFiles(folder, { "zmqecho.config.json": JSON.stringify({ watch: false, ...given }) });
  const folder = await createFolder(files);
  await configure(config);
  const log = recordingLog();
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log });
  await host.start();
  onTestFinished(() => host.stop(0));
  const client = (endpoint: string) => {
    const made = createClient({ connect: addressOf(host, endpoint), codec: "json", timeoutMs: 5000 });
    onTestFinished(() => made.close());
    return made;
  };
  return { host, log, folder, configure, client, write: (given: Record<string, string>) => writeFiles(folder, given) };
}

test("an endpoint on a fixed tcp port takes other limits, again and again", async () => {
  const bind = await deadAddress();
  const config = (handshakeMs: number): ConfigInput => ({
    endpoints: { one: { bind, codec: "json", limits: { handshakeMs } } },
  });
  const { host, configure, client } = await live({}, config(1000));
  for (let round = 1; round <= 8; round++) {
    await configure(config(1000 + round));
    await host.reload();
    expect([...host.addresses.keys()]).toEqual(["one"]);
  }
  expect(await client("one").request("still here")).toBe("still here");
});

test("a configuration that is refused makes nothing anew of what is served", async () => {
  const endpoints = { one: { bind: ANY_PORT, handler: "counter", codec: "json" } };
  const counter = "let calls = 0; export default () => ++calls;";
  const { host, configure, client } = await live(
    { "plugins/counter.ts": counter, "other/x.ts": counter },
    { endpoints },
  );
  expect(await client("one").request(null)).toBe(1);
  await configure({ endpoints, plugins: ["./other"] });
  await expect(host.reload()).rejects.toThrow('there is no handler "counter"');
  await expect(host.reload()).rejects.toThrow('there is no handler "counter"');
  expect(await client("one").request(null)).toBe(2);
});

test("a codec that goes on although its schema broke goes on through a refused configuration too", async () => {
  const codec = { type: "protobuf", proto: "order.proto", request: "Order" } as const;
  const endpoints = { one: { bind: ANY_PORT, handler: "echo", codec: "order" } };
  const schema = 'syntax = "proto3"; message Order { string item = 1; }';
  const { host, folder, configure, write } = await live(
    { "order.proto": schema, "mine.proto": schema },
    { endpoints, codecs: { order: codec } },
  );
  await write({ "order.proto": "message {" });
  await host.reload();
  await configure({ endpoints, codecs: { order: { ...codec, response: "Nothing" } } });
  await expect(host.reload()).rejects.toThrow();
  await configure({ endpoints, codecs: { order: codec } });
  await host.reload();
  const mine = { ...codec, proto: join(folder, "mine.proto") };
  const client = createClient({ connect: addressOf(host, "one"), codec: mine });
  onTestFinished(() => client.close());
  expect(await client.request({ item: "x" })).toEqual({ item: "x" });
});

test("a stop in the midst of a reload opens nothing any more", async () => {
  const endpoints = { one: { bind: ANY_PORT, handler: "echo" } };
  const { host, log, configure, write } = await live({}, { endpoints });
  await write({
    "plugins/slow.ts": `export default {
      setup: ({ log }) => { log.info("setting up"); return new Promise((resolve) => setTimeout(resolve, 300)); },
      handle: () => 1,
    };`,
  });
  await configure({ endpoints: { ...endpoints, two: { bind: ANY_PORT, handler: "slow" } } });
  const reloaded = host.reload().catch(() => undefined);
  await log.logged("setting up");
  await host.stop();
  await reloaded;
  expect(log.records.filter(({ message }) => message.startsWith("listening on"))).toHaveLength(1);
  expect(host.addresses.size).toBe(0);
});

test("a stop does not wait longer for an endpoint that is leaving than its grace says", async () => {
  const endpoints = {
    one: { bind: ANY_PORT, handler: "echo" },
    two: { bind: ANY_PORT, handler: "hang", codec: "json" },
  };
  const { host, log, configure, client } = await live(
    { "plugins/hang.ts": `export default (_, { log }) => { log.info("begun"); return new Promise(() => {}); };` },
    { endpoints, handlers: { hang: { timeoutMs: 30_000 } } },
  );
  const answer = client("two")
    .request(null)
    .catch((error: { code: string }) => error.code);
  await log.logged("begun");
  await configure({ endpoints: { one: endpoints.one } });
  await host.reload();
  await host.stop(50);
  expect(await answer).toBe("unavailable");
});
