/** A host that follows what is on disk, with clients that stay connected. */
import { EventEmitter, once } from "node:events";
import { rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { createClient } from "../../src/client/create-client.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { HandlerDefinition, HandlerFunction } from "../../src/handler.ts";
import { createHost, type Host } from "../../src/host.ts";
import { ANY_PORT, addressOf, type RecordingLog, recordingLog } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";

type Files = Parameters<typeof createFolder>[0];

interface Live {
  readonly host: Host;
  readonly folder: string;
  readonly log: RecordingLog;
  readonly client: Client;
  write(files: Files): Promise<void>;
  /** Writes, and resolves with the first log message that has the text in it and came afterwards. */
  writeUntil(files: Files, text: string): Promise<string>;
}

const ALL: ConfigInput = { endpoints: { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 8 } } };

/** A host on a folder with a configuration in it, and a client of its first endpoint. */
async function live(
  files: Files,
  config: ConfigInput = ALL,
  handlers: Record<string, HandlerDefinition | HandlerFunction> = {},
): Promise<Live> {
  const folder = await createFolder({ "zmqecho.config.json": JSON.stringify(config), "plugins/_": "", ...files });
  const log = recordingLog();
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log, handlers });
  await host.start();
  onTestFinished(() => host.stop());
  const client = createClient({
    connect: addressOf(host, Object.keys(config.endpoints ?? {})[0] ?? ""),
    codec: "json",
  });
  onTestFinished(() => client.close());
  const write = (given: Files) => writeFiles(folder, given ?? {});
  return {
    host,
    folder,
    log,
    client,
    write,
    async writeUntil(given, text) {
      log.records.length = 0;
      const [record] = await Promise.all([log.logged(text), write(given)]);
      return record.message;
    },
  };
}

const says = (text: string) => `export default () => ${JSON.stringify(text)};`;

describe("a plugin", () => {
  test("that is dropped in is served", async () => {
    const { client, writeUntil } = await live({});
    await expect(client.call("new", null)).rejects.toMatchObject({ code: "not_found" });
    await writeUntil({ "plugins/new.ts": says("here") }, "reloaded handler new");
    expect(await client.call("new", null)).toBe("here");
  });

  test("in a folder of its own is served, in a plugins folder that was missing", async () => {
    const { client, writeUntil } = await live({}, { ...ALL, plugins: ["./later"] });
    await writeUntil({ "later/one/index.ts": says("here") }, "reloaded handler one");
    expect(await client.call("one", null)).toBe("here");
  });

  test("that is removed is not found", async () => {
    const { client, folder, log } = await live({ "plugins/old.ts": says("here") });
    expect(await client.call("old", null)).toBe("here");
    await rm(join(folder, "plugins/old.ts"));
    await log.logged("handler old is gone");
    await expect(client.call("old", null)).rejects.toMatchObject({ code: "not_found" });
  });

  test("that is renamed is served under its new name alone", async () => {
    const { client, folder, log } = await live({ "plugins/old.ts": says("here") });
    await rename(join(folder, "plugins/old.ts"), join(folder, "plugins/young.ts"));
    await log.logged("reloaded handler young; handler old is gone");
    expect(await client.call("young", null)).toBe("here");
    await expect(client.call("old", null)).rejects.toMatchObject({ code: "not_found" });
  });

  test.each(["ts", "mts", "js", "mjs", "cjs"])("changes with a .%s file that it imports", async (kind) => {
    const lib = (text: string) =>
      kind === "cjs"
        ? `module.exports = { text: ${JSON.stringify(text)} };`
        : `export const text = ${JSON.stringify(text)};`;
    const { client, writeUntil } = await live({
      [`plugins/lib/text.${kind}`]: lib("one"),
      "plugins/it.ts": `import { text } from "./lib/text.${kind}"; export default () => text;`,
    });
    expect(await client.call("it", null)).toBe("one");
    await writeUntil({ [`plugins/lib/text.${kind}`]: lib("two") }, "reloaded handler it");
    expect(await client.call("it", null)).toBe("two");
  });

  test("changes with JSON that it imports from outside of the plugins folder", async () => {
    const { client, writeUntil } = await live({
      "data/rates.json": "[1]",
      "plugins/it.ts": 'import rates from "../data/rates.json"; export default () => rates;',
    });
    await writeUntil({ "data/rates.json": "[1,2]" }, "reloaded handler it");
    expect(await client.call("it", null)).toEqual([1, 2]);
  });

  test("that breaks goes on as it was, is told of with its place, and serves again when it is mended", async () => {
    const { client, writeUntil, folder } = await live({ "plugins/it.ts": says("one") });
    const message = await writeUntil({ "plugins/it.ts": "\nexport default () => {{;" }, "does not load");
    expect(message).toMatch(new RegExp(`^plugin it does not load: ${folder}/plugins/it.ts:2:\\d+: .*goes on$`));
    expect(await client.call("it", null)).toBe("one");
    await writeUntil({ "plugins/it.ts": says("two") }, "reloaded handler it");
    expect(await client.call("it", null)).toBe("two");
  });

  test("whose setup fails goes on as it was", async () => {
    const { client, writeUntil } = await live({ "plugins/it.ts": says("one") });
    await writeUntil(
      { "plugins/it.ts": 'export default { setup() { throw new Error("no database"); }, handle: () => "two" };' },
      "setup of handler it failed: no database; the version before it goes on",
    );
    expect(await client.call("it", null)).toBe("one");
  });

  test("that was broken from the start is `unavailable` until it is mended", async () => {
    const { client, writeUntil } = await live({
      "plugins/it.ts": 'import "./lib/missing.ts"; export default () => "one";',
    });
    await expect(client.call("it", null)).rejects.toMatchObject({ code: "unavailable" });
    await writeUntil({ "plugins/lib/missing.ts": says("") }, "reloaded handler it");
    expect(await client.call("it", null)).toBe("one");
  });

  test("whose name a second file takes goes on as it was", async () => {
    const { client, writeUntil } = await live({ "plugins/it.ts": says("one") });
    await writeUntil({ "plugins/it.js": says("two") }, "there is one plugin to a name");
    expect(await client.call("it", null)).toBe("one");
  });

  test("is not reloaded when it is written again as it was", async () => {
    const counts = { "plugins/it.ts": "let calls = 0; export default () => ++calls;" };
    const { client, write, writeUntil } = await live({ ...counts, "plugins/other.ts": says("one") });
    expect(await client.call("it", null)).toBe(1);
    await write(counts);
    await writeUntil({ "plugins/other.ts": says("two") }, "reloaded handler other");
    expect(await client.call("it", null)).toBe(2);
  });
});

test("the new version is set up before the old one is torn down, and a call ends on the version it began on", async () => {
  const told = new EventEmitter();
  Object.assign(globalThis, { zmqechoTold: told });
  const order: string[] = [];
  told.on("step", (step: string) => order.push(step));
  const version = (name: string) => `
    const told = globalThis.zmqechoTold;
    export default {
      setup: () => void told.emit("step", "setup ${name}"),
      teardown: () => { told.emit("step", "teardown ${name}"); told.emit("torn"); },
      handle: (input) => input === "wait" ? new Promise((resolve) => told.emit("entered", () => resolve("${name}"))) : "${name}",
    };`;
  const { host, client, writeUntil } = await live({ "plugins/it.ts": version("one") });
  const other = createClient({ connect: addressOf(host, "all"), codec: "json" });
  onTestFinished(() => other.close());
  const entered = once(told, "entered");
  const torn = once(told, "torn");
  const waiting = client.call("it", "wait");
  const [release] = await entered;
  await writeUntil({ "plugins/it.ts": version("two") }, "reloaded handler it");
  expect(await other.call("it", null)).toBe("two");
  expect(order).toEqual(["setup one", "setup two"]);
  release();
  expect(await waiting).toBe("one");
  await torn;
  expect(order).toEqual(["setup one", "setup two", "teardown one"]);
});

describe("the configuration", () => {
  const endpoint = (handler: string, more: object = {}) => ({ bind: ANY_PORT, handler, codec: "json", ...more });
  const plugins = { "plugins/a.ts": says("a"), "plugins/b.ts": says("b") };
  const file = (config: object) => ({ "zmqecho.config.json": JSON.stringify(config) });

  test("adds an endpoint, and takes one away, while the clients of another stay connected", async () => {
    const one = endpoint("a");
    const { client, host, writeUntil } = await live(plugins, { endpoints: { one } });
    expect(await client.request(null)).toBe("a");
    await writeUntil(file({ endpoints: { one, two: endpoint("b") } }), "reloaded the configuration");
    const two = createClient({ connect: addressOf(host, "two"), codec: "json" });
    onTestFinished(() => two.close());
    expect(await two.request(null)).toBe("b");
    await writeUntil(file({ endpoints: { one } }), "reloaded the configuration");
    expect([...host.addresses.keys()]).toEqual(["one"]);
    expect(await client.request(null)).toBe("a");
  });

  test("gives an endpoint another handler, codec and concurrency on the socket it has", async () => {
    const { client, host, writeUntil } = await live(plugins, { endpoints: { one: endpoint("a") } });
    const before = addressOf(host, "one");
    expect(await client.request(null)).toBe("a");
    await writeUntil(
      file({ endpoints: { one: endpoint("b", { codec: "cbor", concurrency: 4 }) } }),
      "reloaded the configuration",
    );
    expect(addressOf(host, "one")).toBe(before);
    const cbor = createClient({ connect: before, codec: "cbor" });
    onTestFinished(() => cbor.close());
    expect(await cbor.request(null)).toBe("b");
    // The connection is the old one, and so is its codec: what it gets now is CBOR's refusal.
    await expect(client.request({ x: 1 })).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("gives a handler other options and times", async () => {
    const config = (options: Record<string, unknown>) => ({ ...ALL, handlers: { it: { options } } });
    const { client, writeUntil } = await live(
      { "plugins/it.ts": "export default (_, { options }) => options;" },
      config({ n: 1 }),
    );
    expect(await client.call("it", null)).toEqual({ n: 1 });
    await writeUntil(file(config({ n: 2 })), "reloaded the configuration, handler it");
    expect(await client.call("it", null)).toEqual({ n: 2 });
  });

  test("moves an endpoint to another address, and back to one that overlaps", async () => {
    const { host, writeUntil, folder } = await live(plugins, {
      endpoints: { one: endpoint("a", { bind: "ipc://./1.sock" }) },
    });
    const at = async (name: string) => {
      const client = createClient({ connect: `ipc://${folder}/${name}`, codec: "json", timeoutMs: 3000 });
      onTestFinished(() => client.close());
      return client.request(null);
    };
    await writeUntil(
      file({ endpoints: { one: endpoint("a", { bind: ["ipc://./1.sock", "ipc://./2.sock"] }) } }),
      "listening on ipc://",
    );
    await host.reload();
    expect([await at("1.sock"), await at("2.sock")]).toEqual(["a", "a"]);
  });

  test.each([
    ["a syntax error", '{ "endpoints": ', /zmqecho\.config\.json:1:\d+: /],
    ["an unknown key", JSON.stringify({ endpoint: {} }), /unknown key "endpoint"; did you mean "endpoints"\?/],
    [
      "a handler that is not there",
      JSON.stringify({ endpoints: { one: endpoint("nobody") } }),
      /there is no handler "nobody"/,
    ],
    [
      "an address that can't be had",
      JSON.stringify({ endpoints: { one: endpoint("a"), two: endpoint("a", { bind: "tcp://192.0.2.1:5999" }) } }),
      /can't bind tcp:\/\/192\.0\.2\.1:5999/,
    ],
    ["nothing", "", /empty/],
  ])("that has %s changes nothing and says why", async (_, content, why) => {
    const { client, host, writeUntil } = await live(plugins, { endpoints: { one: endpoint("a") } });
    const message = await writeUntil({ "zmqecho.config.json": content }, "the configuration can't be used");
    expect(message).toMatch(why);
    expect(await client.request(null)).toBe("a");
    await expect(host.reload()).rejects.toThrow(why);
    expect([...host.addresses.keys()]).toEqual(["one"]);
  });

  test("that moves an endpoint to an address that can't be had leaves it where it is, with its connections", async () => {
    const { client, host, writeUntil } = await live(plugins, { endpoints: { one: endpoint("a") } });
    expect(await client.request(null)).toBe("a");
    const before = addressOf(host, "one");
    await writeUntil(file({ endpoints: { one: endpoint("b", { bind: "tcp://192.0.2.1:5999" }) } }), "can't bind");
    expect(addressOf(host, "one")).toBe(before);
    expect(await client.request(null)).toBe("a");
  });

  test("that can't be used does not keep edits of plugins from counting", async () => {
    const { client, writeUntil } = await live(plugins, { endpoints: { one: endpoint("a") } });
    await writeUntil({ "zmqecho.config.json": "{" }, "the configuration can't be used");
    await writeUntil({ "plugins/a.ts": says("a2") }, "reloaded handler a");
    expect(await client.request(null)).toBe("a2");
    await writeUntil(file({ endpoints: { one: endpoint("a", { bind: "tcp://192.0.2.1:5999" }) } }), "can't bind");
    await writeUntil({ "plugins/a.ts": says("a3") }, "reloaded handler a");
    expect(await client.request(null)).toBe("a3");
  });

  test("that is taken away changes nothing and is told of", async () => {
    const { client, folder, log } = await live(plugins, { endpoints: { one: endpoint("a") } });
    await rm(join(folder, "zmqecho.config.json"));
    expect((await log.logged("the configuration can't be used")).message).toContain("there is no such file");
    expect(await client.request(null)).toBe("a");
  });

  test("in TypeScript counts with what it imports", async () => {
    const folder = await createFolder({
      "text.ts": 'export const text = "one";',
      "zmqecho.config.ts": `import { text } from "./text.ts";
        export default { endpoints: { all: { bind: "${ANY_PORT}", handlers: ["*"] } }, handlers: { it: { options: { text } } } };`,
      "plugins/it.ts": "export default (_, { options }) => options.text;",
    });
    const log = recordingLog();
    const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log });
    await host.start();
    onTestFinished(() => host.stop());
    const client = createClient({ connect: addressOf(host, "all"), codec: "json" });
    onTestFinished(() => client.close());
    expect(await client.call("it", null)).toBe("one");
    await writeFiles(folder, { "text.ts": 'export const text = "two";' });
    await log.logged("reloaded the configuration");
    expect(await client.call("it", null)).toBe("two");
  });
});

describe("a codec", () => {
  const proto = (field: string) => `syntax = "proto3"; package shop; message Order { string ${field} = 1; }`;
  const config = {
    codecs: { order: { type: "protobuf", proto: "order.proto", request: "shop.Order" } },
    endpoints: {
      one: { bind: ANY_PORT, codec: "json", handler: "echo" },
      two: { bind: ANY_PORT, codec: "order", handler: "keys" },
    },
  } as const;
  const files = {
    "order.proto": proto("item"),
    "plugins/keys.ts": "export default (input) => input;",
  };

  test("changes with its .proto file", async () => {
    const { host, folder, writeUntil } = await live(files, config);
    const ask = async (value: object, field: string) => {
      await writeFiles(folder, { "client.proto": proto(field) });
      const client = createClient({
        connect: addressOf(host, "two"),
        codec: { type: "protobuf", proto: join(folder, "client.proto"), request: "shop.Order" },
      });
      onTestFinished(() => client.close());
      return client.request(value);
    };
    expect(await ask({ item: "x" }, "item")).toEqual({ item: "x" });
    await writeUntil({ "order.proto": proto("thing") }, "reloaded codec order");
    expect(await ask({ thing: "x" }, "thing")).toEqual({ thing: "x" });
  });

  test("whose .proto file breaks goes on as it was", async () => {
    const { host, folder, log, writeUntil } = await live(files, config);
    const message = await writeUntil({ "order.proto": 'syntax = "proto3";\nmessage {' }, "goes on as it was");
    expect(message).toContain("order.proto:2");
    const client = createClient({
      connect: addressOf(host, "two"),
      codec: {
        type: "protobuf",
        proto: join(await createFolder({ "o.proto": proto("item") }), "o.proto"),
        request: "shop.Order",
      },
    });
    onTestFinished(() => client.close());
    expect(await client.request({ item: "x" })).toEqual({ item: "x" });
    await rm(join(folder, "order.proto"));
    await log.logged("no such .proto file");
    expect(await client.request({ item: "y" })).toEqual({ item: "y" });
  });

  test("of a plugin changes with it", async () => {
    const codec = (mark: string) =>
      `import { defineCodec } from "zmqecho"; export default defineCodec({ encode: (v) => Buffer.from("${mark}" + v), decode: (b) => Buffer.from(b).toString() });`;
    const { host, writeUntil } = await live(
      { "plugins/mark.ts": codec("1") },
      { endpoints: { one: { bind: ANY_PORT, codec: "mark", handler: "echo" } } },
    );
    const client = createClient({ connect: addressOf(host, "one") });
    onTestFinished(() => client.close());
    const ask = async () => Buffer.from((await client.request("x")) as Uint8Array).toString();
    expect(await ask()).toBe("1x");
    await writeUntil({ "plugins/mark.ts": codec("2") }, "reloaded");
    expect(await ask()).toBe("2x");
  });
});

test("a Kubernetes volume is swapped in one go", async () => {
  const { client, folder, log } = await live({
    "plugins/..1/it.ts": says("one"),
    "plugins/..data": { link: "..1" },
    "plugins/it.ts": { link: "..data/it.ts" },
  });
  expect(await client.call("it", null)).toBe("one");
  await writeFiles(folder, { "plugins/..2/it.ts": says("two"), "plugins/..data_tmp": { link: "..2" } });
  await rename(join(folder, "plugins/..data_tmp"), join(folder, "plugins/..data"));
  await log.logged("reloaded handler it");
  expect(await client.call("it", null)).toBe("two");
});

test("a plugins folder that is a link is followed when it is turned", async () => {
  const { client, folder, log } = await live(
    { "v1/it.ts": says("one"), "v2/it.ts": says("two"), current: { link: "v1" } },
    { ...ALL, plugins: ["./current"] },
  );
  expect(await client.call("it", null)).toBe("one");
  await symlink("v2", join(folder, "next"));
  await rename(join(folder, "next"), join(folder, "current"));
  await log.logged("reloaded handler it");
  expect(await client.call("it", null)).toBe("two");
});

test("without `watch` nothing changes by itself, and everything on demand", async () => {
  const { client, host, write } = await live({ "plugins/it.ts": says("one") }, { ...ALL, watch: false });
  await write({ "plugins/it.ts": says("two") });
  expect(await client.call("it", null)).toBe("one");
  await host.reload();
  expect(await client.call("it", null)).toBe("two");
});

test("a host can be reloaded between its start and its stop", async () => {
  const host = createHost({ plugins: [], endpoints: { e: { bind: ANY_PORT } } }, { log: recordingLog() });
  await expect(host.reload()).rejects.toMatchObject({ code: "failed_precondition" });
  await host.start();
  await host.reload();
  await host.stop();
  await expect(host.reload()).rejects.toMatchObject({ code: "failed_precondition" });
});

test("a setup that fails is told once, counted, tried again, and told again when it fails in another way", async () => {
  const { host, log, writeUntil } = await live({});
  const failing = (text: string) =>
    `export default { setup() { globalThis.tries = (globalThis.tries ?? 0) + 1; throw new Error("${text}"); }, handle: () => 1 };`;
  await writeUntil({ "plugins/x.ts": failing("no database") }, "no database");
  await host.reload();
  await host.reload();
  expect(Reflect.get(globalThis, "tries")).toBeGreaterThan(2);
  expect(log.records.filter(({ message }) => message.includes("no database"))).toHaveLength(1);
  expect(host.stats().reloads.failed).toBe(1);
  await writeUntil({ "plugins/x.ts": failing("no disk") }, "no disk");
  await host.reload();
  expect(host.stats().reloads.failed).toBe(2);
});

test("a configuration in code with functions in it is the same one as long as its code is", async () => {
  const config = (text: string) =>
    `export default { watch: false, handlers: { x: { options: { say: () => "${text}" } } },
      endpoints: { e: { bind: "${ANY_PORT}", handler: "x", codec: "json" } } };`;
  const folder = await createFolder({
    "zmqecho.config.ts": config("one"),
    "plugins/x.ts": "export default (_: unknown, { options }: any) => options.say();",
  });
  const log = recordingLog();
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log });
  await host.start();
  onTestFinished(() => host.stop());
  await host.reload();
  expect(host.stats().reloads.done).toBe(0);
  await writeFiles(folder, { "zmqecho.config.ts": config("two") });
  await host.reload();
  expect(host.stats().reloads.done).toBe(1);
  const client = createClient({ connect: addressOf(host, "e"), codec: "json" });
  onTestFinished(() => client.close());
  expect(await client.request(null)).toBe("two");
});

test("plugins of an npm package that is being installed anew go on, and the new ones are served when it is there", async () => {
  const manifest = JSON.stringify({ name: "pack", zmqecho: { plugins: "./handlers" } });
  const files = (text: string) => ({
    "node_modules/pack/package.json": manifest,
    "node_modules/pack/handlers/x.mjs": says(text),
  });
  const { folder, client, log, writeUntil } = await live(files("one"), { ...ALL, plugins: ["pack"] });
  expect(await client.call("x", null)).toBe("one");
  const gone = log.logged("no npm package of that name");
  await rename(join(folder, "node_modules/pack"), join(folder, "node_modules/.pack-1"));
  await gone;
  expect(await client.call("x", null)).toBe("one");
  await writeUntil(files("two"), "reloaded handler x");
  expect(await client.call("x", null)).toBe("two");
});
