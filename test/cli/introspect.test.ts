import { describe, expect, onTestFinished, test } from "vitest";
import { Reply } from "zeromq";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run } from "../processes.ts";

const PLUGINS = {
  "plugins/vat.ts": 'export default { description: "Adds VAT", timeoutMs: 70, concurrency: 2, handle: () => 1 };',
  "plugins/walled.ts": `globalThis.process.stdout.write("");
    const at = { "~standard": { version: 1, vendor: "x", validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => ({ type: "string" }), output: () => { throw new Error("can't") } } } };
    export default { input: at, output: at, setup() { throw new Error("it ran"); }, handle: () => 1 };`,
};

/** A folder with a configuration; nothing can listen at its address. */
function folder(config: object = {}, files: Record<string, string> = PLUGINS): string {
  const content = {
    handlers: { walled: { isolation: "thread", pool: { maxWorkers: 2 } } },
    endpoints: {
      all: { bind: "tcp://127.0.0.1:1", handlers: ["*"], concurrency: 4 },
      plain: { bind: "tcp://127.0.0.1:2" },
    },
    ...config,
  };
  return folderWith({ "zmqecho.config.json": JSON.stringify(content), ...files });
}

describe("from the configuration, without a socket,", () => {
  test("list is a table", async () => {
    const { code, stdout, stderr } = await run(["list"], { cwd: folder() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("NAME    STATE  DESCRIPTION");
    expect(lines[1]).toMatch(/^echo {4}ready {2}\S/);
    expect(lines[2]).toMatch(/^mock {4}ready {2}\S/);
    expect(lines.slice(3)).toEqual([
      "vat     ready  Adds VAT",
      "walled  ready",
      "",
      "codecs: cbor, json, msgpack, protobuf, raw",
      "",
    ]);
  });

  test("list -o json is what a host tells", async () => {
    const { stdout } = await run(["list", "-o", "json"], { cwd: folder() });
    const host = await startHost({ endpoints: { all: { bind: ANY_PORT, handlers: ["echo"] } } });
    const { handlers, codecs } = JSON.parse(stdout);
    expect({ codecs, handlers: [handlers[0]] }).toEqual(host.list());
    expect(handlers[2]).toEqual({ name: "vat", description: "Adds VAT", state: "ready" });
  });

  test("describe shows what a caller must know, schemas from a worker too", async () => {
    const { code, stdout } = await run(["describe", "walled"], { cwd: folder() });
    expect([code, stdout]).toEqual([
      0,
      `name         walled
state        ready
isolation    thread, 2 at most, 256 MB each, closed after 60000 ms
timeout      5000 ms
concurrency  2
limits       4194304 bytes, 64 frames, depth 128
codecs       cbor, json, msgpack, protobuf, raw
note         output: can't

input
  {
    "type": "string"
  }
`,
    ]);
  });

  test("describe shows message types as text", async () => {
    const codecs = { order: { type: "protobuf", proto: "a.proto", request: "shop.Order" } };
    const proto = 'syntax = "proto3"; package shop; message Order { string name = 1; }';
    const { stdout } = await run(["describe", "vat"], { cwd: folder({ codecs }, { ...PLUGINS, "a.proto": proto }) });
    expect(stdout).toContain('protobuf order: shop.Order -> shop.Order\n  syntax = "proto3";\n');
    expect(stdout).toContain("\n  message Order {\n    string name = 1;\n  }\n");
  });

  test("a handler that there is not is a mistake in the command: 2, with what was meant", async () => {
    expect(await run(["describe", "vta"], { cwd: folder() })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: 'zmqecho: there is no handler "vta"; did you mean "vat"?\n',
    });
  });

  test("a broken plugin is listed as such, with the reason on stderr", async () => {
    const { code, stdout, stderr } = await run(["list"], {
      cwd: folder({}, { "plugins/bad.ts": "export default 5;" }),
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^bad +broken$/m);
    expect(stderr).toMatch(/^warning: plugin bad does not load: .*bad\.ts: the default export is a number/m);
  });
});

describe("from a server that runs,", () => {
  const HANDLERS = { vat: { description: "Adds\x1b[2J VAT", handle: () => 1 } };
  const ENDPOINTS = {
    all: { bind: ANY_PORT, handlers: ["*"] },
    plain: { bind: ANY_PORT },
    json: { bind: ANY_PORT, codec: "json" },
  };

  test("list and describe print what it tells, fit for a terminal", async () => {
    const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
    const address = addressOf(host, "all");
    expect((await run(["list", "-c", address])).stdout).toContain("vat   ready  Adds\\x1b[2J VAT\n");
    expect((await run(["describe", "vat", "-c", address])).stdout).toContain("description  Adds\\x1b[2J VAT\n");
    const { stdout } = await run(["describe", "vat", "-c", address, "-o", "json"]);
    expect(JSON.parse(stdout)).toEqual(host.describe("vat"));
  });

  test("--endpoint finds it by the configuration", async () => {
    const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
    const endpoints = { all: { bind: addressOf(host, "all"), handlers: ["*"] }, plain: { bind: "tcp://127.0.0.1:2" } };
    const cwd = folder({ endpoints, handlers: {} }, {});
    expect((await run(["list", "--endpoint", "all"], { cwd })).stdout).toContain("vat ");
    expect(await run(["list", "--endpoint", "plain"], { cwd })).toMatchObject({
      code: 2,
      stderr: "zmqecho: endpoint plain is plain: it does not speak ZEP/1, which tells of handlers\n",
    });
  });

  test("an unknown handler is 69", async () => {
    const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
    expect(await run(["describe", "nobody", "-c", addressOf(host, "all")])).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/^zmqecho: not_found: there is no handler "nobody" here /),
    });
  });

  test.each(["plain", "json"])("one that is plain (%s) does not speak ZEP/1: 76", async (endpoint) => {
    const host = await startHost({ endpoints: ENDPOINTS }, HANDLERS);
    expect(await run(["list", "-c", addressOf(host, endpoint)])).toMatchObject({
      code: 76,
      stderr: expect.stringMatching(/^zmqecho: unimplemented: the server does not speak ZEP\/1/),
    });
  });

  test("a foreign one does not either, and nobody is 78", async () => {
    const server = new Reply({ linger: 0 });
    onTestFinished(() => server.close());
    await server.bind(ANY_PORT);
    const answered = server.receive().then(() => server.send(["what?", "no"]));
    expect((await run(["list", "-c", server.lastEndpoint ?? ""])).code).toBe(76);
    await answered;
    expect((await run(["list", "-c", await deadAddress()])).code).toBe(78);
  });
});
