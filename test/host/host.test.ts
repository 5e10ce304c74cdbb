import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Dealer, Router } from "zeromq";
import { type ClientOptions, createClient } from "../../src/client/create-client.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { createHost } from "../../src/host.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

function client(connect: string, codec: ClientOptions["codec"] = "json") {
  const made = createClient({ connect, codec });
  onTestFinished(() => made.close());
  return made;
}

async function startFailure(config: ConfigInput): Promise<unknown> {
  const host = createHost({ plugins: [], watch: false, ...config }, { log: recordingLog() });
  return host.start().then(
    () => host.stop(),
    (error: unknown) => error,
  );
}

/** A plugins folder with these files. */
function plugins(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "zmqecho-plugins-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test("an endpoint serves on all of its addresses", async () => {
  const host = await startHost({ endpoints: { e: { bind: [ANY_PORT, ANY_PORT, "tcp://[::1]:*"] } } });
  const addresses = host.addresses.get("e") ?? [];
  expect(new Set(addresses).size).toBe(3);
  for (const address of addresses) expect(String(await client(address, "raw").request(address))).toBe(address);
});

test("endpoints do not wait for each other", async () => {
  const host = await startHost(
    {
      endpoints: { slow: { bind: ANY_PORT, handler: "hang" }, fast: { bind: ANY_PORT } },
      handlers: { hang: { timeoutMs: 200 } },
    },
    { hang: () => new Promise(() => undefined) },
  );
  const hanging = client(addressOf(host, "slow"), "raw").request("x");
  expect(String(await client(addressOf(host, "fast"), "raw").request("x"))).toBe("x");
  await expect(hanging).rejects.toMatchObject({ code: "deadline_exceeded" });
});

test("an endpoint that connects works behind somebody's broker", async () => {
  const [front, back] = [new Router({ linger: 0 }), new Dealer({ linger: 0 })];
  onTestFinished(() => {
    front.close();
    back.close();
  });
  await front.bind(ANY_PORT);
  await back.bind(ANY_PORT);
  void (async () => {
    for await (const frames of front) await back.send(frames);
  })();
  void (async () => {
    for await (const frames of back) await front.send(frames);
  })();
  await startHost({ endpoints: { worker: { connect: back.lastEndpoint ?? "" } } });
  expect(String(await client(front.lastEndpoint ?? "", "raw").request("through"))).toBe("through");
});

test("a zep endpoint serves the names on its list and no others", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["orders.*", "one"] } } },
    { one: () => 1, "orders.create": () => 2, ordersx: () => 3, secret: () => 4 },
  );
  const asker = client(addressOf(host, "e"));
  expect(await asker.call("one", null)).toBe(1);
  expect(await asker.call("orders.create", null)).toBe(2);
  for (const name of ["ordersx", "secret", "missing", "__proto__", "toString", "../echo", ""]) {
    await expect(asker.call(name, null)).rejects.toMatchObject({ code: "not_found" });
  }
});

test("an unknown codec is `unimplemented`", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } });
  const odd = createClient({
    connect: addressOf(host, "e"),
    codec: { ...(await import("../../src/codecs/registry.ts")).createCodec("json"), name: "constructor" },
  });
  onTestFinished(() => odd.close());
  await expect(odd.call("echo", null)).rejects.toMatchObject({ code: "unimplemented" });
});

test("one plugin serves under two names, each with its own options and state", async () => {
  const host = await startHost(
    {
      handlers: {
        small: { plugin: "resize", options: { size: 1 } },
        large: { plugin: "resize", options: { size: 9 } },
      },
      endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } },
    },
    {
      resize: {
        setup: ({ options, handler }) => ({ made: `${handler} ${String(options.size)}` }),
        handle: (_, { state, options }) => [(state as { made: string }).made, options.size ?? null],
      },
    },
  );
  const asker = client(addressOf(host, "e"));
  expect(await asker.call("small", null)).toEqual(["small 1", 1]);
  expect(await asker.call("large", null)).toEqual(["large 9", 9]);
  expect(await asker.call("resize", null)).toEqual(["resize undefined", null]);
});

test("setup runs before the first call, and teardown with its state after the last", async () => {
  const events: string[] = [];
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } } },
    {
      it: {
        setup: async () => {
          events.push("setup");
          return "state";
        },
        handle: () => {
          events.push("call");
        },
        teardown: (state) => {
          events.push(`teardown ${String(state)}`);
        },
      },
    },
  );
  expect(await client(addressOf(host, "e")).request(1)).toBe(null);
  await host.stop();
  expect(events).toEqual(["setup", "call", "teardown state"]);
});

test("a handler whose setup fails is `unavailable`, and the others work", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } },
    {
      broken: {
        setup: () => {
          throw new Error("no database");
        },
        handle: () => 1,
      },
    },
  );
  const asker = client(addressOf(host, "e"));
  await expect(asker.call("broken", null)).rejects.toMatchObject({ code: "unavailable" });
  expect(await asker.call("echo", 1)).toBe(1);
});

test("a schema refuses inputs with `invalid_argument` and results with `internal`", async () => {
  const { z } = await import("zod");
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "double", codec: "json" } } },
    {
      double: {
        input: z.object({ n: z.number(), times: z.number().default(2) }),
        output: z.number().max(100),
        handle: (input) => (input as { n: number; times: number }).n * (input as { times: number }).times,
      },
    },
  );
  const asker = client(addressOf(host, "e"));
  expect(await asker.request({ n: 4 })).toBe(8);
  await expect(asker.request({ n: "4" })).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("$.n: "),
    details: { issues: [{ path: "$.n" }] },
  });
  await expect(asker.request({ n: 99 })).rejects.toMatchObject({ code: "internal" });
});

test("plugins are loaded from folders, and a codec of a plugin serves by its name", async () => {
  const folder = plugins({
    "shout.ts": `import { defineHandler, ZmqEchoError } from "zmqecho";
      export default defineHandler({ handle(input: unknown) {
        if (typeof input !== "string") throw new ZmqEchoError("invalid_argument", "a text, please");
        return input.toUpperCase();
      } });`,
    "rot13.mjs": `import { defineCodec } from "zmqecho";
      const turn = (text) => text.replace(/[a-z]/gi, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < "n" ? 13 : -13)));
      export const codec = defineCodec({ encode: (v) => Buffer.from(turn(String(v))), decode: (b) => turn(Buffer.from(b).toString()) });`,
  });
  const host = await startHost({
    plugins: [folder],
    endpoints: {
      e: { bind: ANY_PORT, handler: "shout", codec: "rot13" },
      j: { bind: ANY_PORT, handler: "shout", codec: "json" },
    },
  });
  expect(String(await client(addressOf(host, "e"), "raw").request("uryyb"))).toBe("URYYB");
  await expect(client(addressOf(host, "j")).request(1)).rejects.toMatchObject({
    code: "invalid_argument",
    message: "a text, please",
  });
});

test("with watch, an endpoint whose plugin does not load answers `unavailable`; without, the host does not start", async () => {
  const config: ConfigInput = {
    plugins: [plugins({ "broken.ts": "export default {{{" })],
    endpoints: { e: { bind: ANY_PORT, handler: "broken" } },
  };
  expect(await startFailure(config)).toMatchObject({
    problems: [{ path: "endpoints.e.handler", message: expect.stringMatching(/broken\.ts:1:17: /) }],
  });
  const host = await startHost({ ...config, watch: true });
  await expect(client(addressOf(host, "e"), "raw").request("x")).rejects.toMatchObject({ code: "unavailable" });
});

test("a ping is answered in json", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } });
  const frames = await client(addressOf(host, "e"), "raw").exchange([Buffer.from("ZEP1 ping")]);
  expect(frames.map(String)).toEqual(["ZEP1 ok", "json", "", '{"protocol":"ZEP1","endpoint":"e"}']);
});

test("hooks see each call begin and end", async () => {
  const seen: unknown[] = [];
  const hook = {
    start: (call: { handler: string }) => seen.push(`start ${call.handler}`),
    end: (outcome: { code: string }, { totalMs }: { totalMs: number }) => seen.push([outcome.code, totalMs >= 0]),
  };
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT } } }, {}, { hooks: [hook] });
  await client(addressOf(host, "e"), "raw").request("x");
  expect(seen).toEqual(["start echo", ["ok", true]]);
});

test("a taken port is said in one line", async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const bind = `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  expect(await startFailure({ endpoints: { e: { bind } } })).toMatchObject({
    code: "unavailable",
    message: `can't bind ${bind}: another socket has this address; stop it, or choose another port (* for any free one)`,
  });
});

test("an address that is not this machine's is said in one line", async () => {
  expect(await startFailure({ endpoints: { e: { bind: "tcp://192.0.2.1:5555" } } })).toMatchObject({
    message: "can't bind tcp://192.0.2.1:5555: 192.0.2.1 is no address of this machine; * binds all there are",
  });
});

test("when one endpoint can't be had, the others are closed again", async () => {
  const folder = plugins({});
  const path = join(folder, "socket");
  const config = { endpoints: { good: { bind: `ipc://${path}` }, bad: { bind: "tcp://192.0.2.1:5555" } } };
  expect(await startFailure(config)).toMatchObject({ code: "unavailable" });
  const host = await startHost({ endpoints: { good: { bind: `ipc://${path}` } } });
  expect(host.addresses.get("good")).toEqual([`ipc://${path}`]);
});

test("an endpoint beyond loopback is warned of", async () => {
  const log = recordingLog();
  await startHost({ endpoints: { e: { bind: "tcp://*:*" } } }, {}, { log });
  expect(log.records.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
    expect.stringContaining("is open to whoever reaches this machine"),
  ]);
});

test("a handler that no endpoint serves is not set up", async () => {
  const set: string[] = [];
  const handler = (name: string) => ({ setup: () => void set.push(name), handle: () => name });
  await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "one" }, z: { bind: ANY_PORT, handlers: ["orders.*"] } } },
    { one: handler("one"), other: handler("other"), "orders.new": handler("orders.new") },
  );
  expect(set.sort()).toEqual(["one", "orders.new"]);
});
