/** Handlers behind a wall, as a host serves them: over every codec, beside others, and while they are reloaded. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { createHost } from "../../src/host.ts";
import { ANY_PORT, addressOf, recordingLog } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";

type ClientCodec = Parameters<typeof createClient>[0]["codec"];

/** A host on these plugins, all of them served by name. */
async function serve(files: Record<string, string>, config: ConfigInput) {
  const endpoints = { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 16 } };
  const folder = await createFolder({ ...files, "zmqecho.config.json": JSON.stringify({ endpoints, ...config }) });
  const log = recordingLog();
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log });
  await host.start();
  onTestFinished(() => host.stop());
  return {
    host,
    folder,
    log,
    write: (given: Record<string, string>) => writeFiles(folder, given),
    client(codec: ClientCodec = "json") {
      const client = createClient({ connect: addressOf(host, "all"), codec });
      onTestFinished(() => client.close());
      return client;
    },
  };
}

const says = (text: string) => `export default () => ${JSON.stringify(text)};`;

describe.each(["thread", "process"] as const)("in a %s", (isolation) => {
  const it = { handlers: { it: { isolation } } };

  test.each(BUILT_IN_CODECS)("a value goes there and back through %s", async (codec) => {
    const { client } = await serve({ "plugins/it.ts": "export default (input) => input;" }, it);
    const value = codec === "raw" ? Buffer.from("bytes") : { text: "ü", list: [1, null, true] };
    expect(await client(codec).call("it", value)).toEqual(value);
  });

  test("nothing of it runs in the host, and nothing at all before the first call", async () => {
    const { client, host } = await serve(
      { "plugins/it.ts": "globalThis.zmqechoRan = true; export default () => process.pid;" },
      it,
    );
    expect(host.stats().handlers.it?.workers).toEqual({ live: 0, lost: 0 });
    expect(Reflect.get(globalThis, "zmqechoRan")).toBeUndefined();
    expect((await client().call("it", null)) === process.pid).toBe(isolation === "thread");
    expect(host.stats().handlers.it?.workers).toEqual({ live: 1, lost: 0 });
    expect(Reflect.get(globalThis, "zmqechoRan")).toBeUndefined();
  });

  test.each([
    ["exits", "process.exit(4);", "exited with code 4"],
    ["throws", 'throw new Error("no database");', "it.ts:1:7: no database"],
  ])("a plugin that %s as it loads is broken, and the others serve", async (_, code, why) => {
    const { client, log } = await serve(
      { "plugins/it.ts": `${code} export default () => 1;`, "plugins/ok.ts": says("ok") },
      it,
    );
    await expect(client().call("it", null)).rejects.toMatchObject({ code: "unavailable" });
    expect(await client().call("ok", null)).toBe("ok");
    expect(log.records.find(({ level }) => level === "error")?.message).toContain(why);
  });

  test("a handler of the shipped plugins can have a wall, under a name of its own", async () => {
    const { client } = await serve({}, { handlers: { far: { plugin: "echo", isolation } } });
    expect(await client().call("far", { a: 1 })).toEqual({ a: 1 });
  });

  test("a plugin's own choice counts, and the configuration's goes before it", async () => {
    const source = `export default { isolation: "${isolation}", handle: () => 1 };`;
    const own = await serve({ "plugins/it.ts": source }, {});
    await own.client().call("it", null);
    expect(own.host.stats().handlers.it?.workers?.live).toBe(1);
    const inline = await serve({ "plugins/it.ts": source }, { handlers: { it: { isolation: "inline" } } });
    await inline.client().call("it", null);
    expect(inline.host.stats().handlers.it?.workers).toBeUndefined();
  });

  test("a loop is ended at its deadline, while others are served", async () => {
    const { client, host } = await serve(
      {
        "plugins/it.ts": 'export default (input) => { if (input === "loop") for (;;); return input; };',
        "plugins/ok.ts": says("ok"),
      },
      { handlers: { it: { isolation, timeoutMs: 3000, pool: { maxWorkers: 1 } } } },
    );
    const others = client();
    // A worker that has yet to start may take all the time there is.
    expect(await others.call("it", "fine", { timeoutMs: 5000 })).toBe("fine");
    const loop = client().call("it", "loop");
    let served = 0;
    const ended = expect(loop)
      .rejects.toMatchObject({ code: "deadline_exceeded" })
      .then(() => served);
    await expect.poll(() => host.stats().handlers.it?.inFlight).toBe(1);
    while (served < 100) {
      expect(await others.call("ok", null)).toBe("ok");
      served++;
    }
    expect(await ended).toBeGreaterThan(0);
    expect(await others.call("it", "fine")).toBe("fine");
    await expect.poll(() => host.stats().handlers.it?.workers?.lost).toBe(1);
  });

  test("an edit counts, and a version that breaks or can't be set up leaves the one before", async () => {
    const { client, log, write } = await serve({ "plugins/it.ts": says("one") }, it);
    const asker = client();
    expect(await asker.call("it", null)).toBe("one");
    await write({ "plugins/it.ts": says("two") });
    await log.logged("reloaded handler it");
    expect(await asker.call("it", null)).toBe("two");
    await write({ "plugins/it.ts": "\nnonsense(); export default () => 3;" });
    expect((await log.logged("does not load")).message).toMatch(/it\.ts:2:1: nonsense is not defined; .* goes on$/);
    expect(await asker.call("it", null)).toBe("two");
    await write({
      "plugins/it.ts": 'export default { setup() { throw new Error("no database"); }, handle: () => 4 };',
    });
    await log.logged("setup of handler it failed: no database; the version before it goes on");
    expect(await asker.call("it", null)).toBe("two");
  });

  test("a schema that has broken since does not reach a worker that starts later", async () => {
    const order = (field: string) => `syntax = "proto3"; message Order { string ${field} = 1; }`;
    const spec = { type: "protobuf", proto: "order.proto", request: "Order" } as const;
    const { client, log, write, folder } = await serve(
      {
        "plugins/it.ts": "export default (input) => input;",
        "order.proto": order("item"),
        "mine.proto": order("item"),
      },
      { ...it, codecs: { order: spec } },
    );
    await write({ "order.proto": "message {" });
    await log.logged("the codec goes on as it was");
    const mine = createCodec({ ...spec, proto: join(folder, "mine.proto") }, { name: "order" });
    expect(await client(mine).call("it", { item: "x" })).toEqual({ item: "x" });
  });

  test("a codec of a plugin is there", async () => {
    const { client } = await serve(
      {
        "plugins/it.ts": "export default (input) => input;",
        "plugins/mark.ts": `import { defineCodec } from "zmqecho";
          export default defineCodec({ encode: (value) => Buffer.from("!" + value), decode: (bytes) => Buffer.from(bytes).toString() });`,
      },
      { ...it, endpoints: { all: { bind: ANY_PORT, handler: "it", codec: "mark", concurrency: 2 } } },
    );
    expect(String(await client("raw").request("x"))).toBe("!x");
  });

  test("options, state, metadata, request id and log reach it", async () => {
    const source = `export default {
      setup: ({ options }) => ({ calls: options.from }),
      handle: (_, { state, metadata, requestId, handler, endpoint, log }) => {
        log.info({ seen: true }, "called");
        return [++state.calls, metadata.tenant, requestId, handler, endpoint];
      },
    };`;
    const { client, log } = await serve(
      { "plugins/it.ts": source },
      { handlers: { it: { isolation, options: { from: 10 } } } },
    );
    const metadata = { tenant: "acme", "request-id": "r-1" };
    expect(await client().call("it", null, { metadata })).toEqual([11, "acme", "r-1", "it", "all"]);
    expect(await log.logged("called")).toMatchObject({
      level: "info",
      fields: { handler: "it", requestId: "r-1", seen: true },
    });
  });

  test("a codec that is given in code can't be had, and is told of", async () => {
    const folder = await createFolder({ "it.ts": "export default (input) => input;" });
    const codec = {
      encode: (value: unknown) => Buffer.from(String(value)),
      decode: (bytes: Uint8Array) => String(bytes),
    };
    const host = createHost(
      { plugins: [], watch: false, ...it, endpoints: { all: { bind: ANY_PORT, handler: "it", codec: "mine" } } },
      { log: recordingLog(), files: { it: join(folder, "it.ts") }, codecs: { mine: codec } },
    );
    await host.start();
    onTestFinished(() => host.stop());
    const client = createClient({ connect: addressOf(host, "all") });
    onTestFinished(() => client.close());
    await expect(client.request("x")).rejects.toMatchObject({ code: "unimplemented" });
  });
});

test("a handler in code can't have a wall", () => {
  const host = createHost(
    { plugins: [], handlers: { it: { isolation: "thread" } }, endpoints: { e: { bind: ANY_PORT, handler: "it" } } },
    { log: recordingLog(), handlers: { it: () => 1 } },
  );
  return expect(host.start()).rejects.toThrow(
    'handlers.it.isolation: handler "it" is given in code, so it can\'t run in a thread; put it into a file',
  );
});
