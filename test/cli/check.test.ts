import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { folderWith } from "../config/folder.ts";
import { run } from "../processes.ts";

const ECHO = "export default (input: unknown) => input;\n";

/** What check says of a folder with these files, with the folder cut away. */
async function check(config: object | string, files: Record<string, string> = {}, args: string[] = []) {
  const content = typeof config === "string" ? config : JSON.stringify(config, null, 2);
  const cwd = folderWith({ "zmqecho.config.json": content, ...files });
  const { code, stdout, stderr } = await run(["check", ...args], { cwd });
  const short = (text: string) => text.replaceAll(`${cwd}/`, "").split("\n").filter(Boolean);
  return { code, stdout: short(stdout), stderr: short(stderr) };
}

test("a good configuration gets one line, and 0", async () => {
  const result = await check(
    {
      handlers: { second: { plugin: "vat" } },
      endpoints: {
        vat: { bind: "tcp://127.0.0.1:5000", handler: "vat" },
        all: { connect: "ipc://b", handlers: ["*"], concurrency: 2 },
      },
    },
    { "plugins/vat.ts": ECHO },
  );
  expect(result).toEqual({
    code: 0,
    stdout: ["zmqecho.config.json: ok: 2 endpoints (vat and all), 4 handlers (echo, mock, vat and second)"],
    stderr: [],
  });
});

test("the checkout's own configuration is good, without a warning", async () => {
  const file = fileURLToPath(new URL("../../config/zmqecho.config.json", import.meta.url));
  const { code, stdout, stderr } = await run(["check", "--config", file]);
  expect([code, stdout, stderr]).toEqual([
    0,
    `${file}: ok: 2 endpoints (echo and gateway), 2 handlers (echo and mock)\n`,
    "",
  ]);
});

test("without a file the defaults are good", async () => {
  const { code, stdout, stderr } = await run(["check"]);
  expect([code, stdout, stderr]).toEqual([
    0,
    "no config file, so the defaults: ok: 1 endpoint (echo), 2 handlers (echo and mock)\n",
    "",
  ]);
});

test("nothing is bound: a taken address does not matter", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const { code, stderr } = await check({ endpoints: { a: { bind: `tcp://127.0.0.1:${port}` } } });
  expect([code, stderr]).toEqual([0, []]);
});

test("every mistake in the file is one line with its place", async () => {
  const { code, stdout, stderr } = await check(
    `{ "endpoints": { "a": { "bnd": "tcp://127.0.0.1:5000" } },\n  "watch": "yes" }`,
  );
  expect([code, stdout]).toEqual([2, []]);
  expect(stderr).toEqual([
    'zmqecho: zmqecho.config.json:1:18: endpoints.a: an endpoint needs "bind", such as "tcp://127.0.0.1:25933", or "connect"',
    'zmqecho: zmqecho.config.json:1:25: endpoints.a.bnd: unknown key "bnd"; did you mean "bind"?',
    'zmqecho: zmqecho.config.json:2:12: watch: expected true or false, got "yes"',
  ]);
});

test("names with nothing behind them are told together with what else is wrong in the file", async () => {
  const { code, stderr } = await check(
    `{
  "watch": "yes",
  "endpoints": { "a": { "bind": "tcp://127.0.0.1:5000", "handler": "vta", "codec": "jsno" } },
  "targets": { "t": { "connect": "tcp://127.0.0.1:5000", "codec": "csv" } }
}`,
    { "plugins/vat.ts": ECHO, "plugins/csv.ts": "export default (;\n" },
  );
  expect(code).toBe(2);
  expect(stderr).toEqual([
    'zmqecho: zmqecho.config.json:2:12: watch: expected true or false, got "yes"',
    'zmqecho: zmqecho.config.json:3:68: endpoints.a.handler: there is no handler "vta"; did you mean "vat"?',
    'zmqecho: zmqecho.config.json:3:84: endpoints.a.codec: there is no codec "jsno"; did you mean "json"?',
  ]);
});

test("which names there are is not known without a package of plugins, so none is complained of", async () => {
  const { stderr } = await check(
    `{ "plugins": ["not-installed"], "watch": 1, "endpoints": { "a": { "bind": "tcp://127.0.0.1:5000", "handler": "its" } } }`,
  );
  expect(stderr).toEqual(["zmqecho: zmqecho.config.json:1:42: watch: expected true or false, got 1"]);
});

test("names with nothing behind them, schemas and broken plugins are told all at once", async () => {
  const { code, stderr } = await check(
    {
      watch: false,
      codecs: { order: { type: "protobuf", proto: "order.proto", request: "Order" } },
      endpoints: {
        a: { bind: "tcp://127.0.0.1:5000", handler: "vta", codec: "order" },
        b: { bind: "tcp://127.0.0.1:5001", handler: "broken" },
      },
    },
    {
      "plugins/vat.ts": ECHO,
      "plugins/broken.ts": "export default 5;\n",
      "order.proto": 'syntax = "proto3";\nmessage Order { strin name = 1; }\n',
    },
  );
  expect(code).toBe(2);
  expect(stderr).toHaveLength(3);
  expect(stderr[0]).toBe(
    'zmqecho: zmqecho.config.json:13:18: endpoints.a.handler: there is no handler "vta"; did you mean "vat"?',
  );
  expect(stderr[1]).toContain("order.proto:2");
  expect(stderr[2]).toMatch(
    /^zmqecho: zmqecho\.config\.json:18:18: endpoints\.b\.handler: its plugin does not load: plugins\/broken\.ts: the default export is a number/,
  );
});

test("a broken plugin is a warning if no endpoint names it, or if watching may mend it", async () => {
  const files = { "plugins/broken.ts": "export default (;\n", "plugins/half.ts": 'throw new Error("one\\n two");\n' };
  const endpoints = { a: { bind: "tcp://127.0.0.1:5000", handlers: ["echo", "broken"], concurrency: 2 } };
  const watched = await check({ endpoints }, files);
  expect(watched).toEqual({
    code: 0,
    stdout: ["zmqecho.config.json: ok: 1 endpoint (a), 2 handlers (echo and mock)"],
    stderr: [
      "warning: plugin half does not load: plugins/half.ts:1:7: one two",
      'warning: zmqecho.config.json:7:9: endpoints.a.handlers[1]: its plugin does not load: plugins/broken.ts:1:17: Unexpected ";"',
    ],
  });
  const unwatched = await check({ watch: false, endpoints }, files);
  expect(unwatched.code).toBe(2);
  expect(unwatched.stderr.map((line) => line.split(" ", 1)[0])).toEqual(["warning:", "zmqecho:"]);
});

test("a broken plugin that an endpoint has for its codec counts too", async () => {
  const endpoints = { a: { bind: "tcp://127.0.0.1:5000", codec: "csv" } };
  const { code, stderr } = await check({ watch: false, endpoints }, { "plugins/csv.ts": "export default 5;\n" });
  expect([code, stderr.length]).toEqual([2, 1]);
  expect(stderr[0]).toContain("endpoints.a.codec: its plugin does not load");
});

test("a bind that others can reach is warned of, and so is one request at a time there", async () => {
  const { code, stderr } = await check({
    endpoints: {
      open: { bind: ["tcp://127.0.0.1:5000", "tcp://*:5001"], concurrency: 16 },
      lock: { bind: "tcp://0.0.0.0:5002" },
      worker: { connect: "tcp://127.0.0.1:5003" },
      fine: { bind: "ipc://fine" },
    },
  });
  expect(code).toBe(0);
  expect(stderr).toEqual([
    "warning: zmqecho.config.json:6:9: endpoints.open.bind[1]: tcp://*:5001 is open to whoever reaches this machine: no keys are asked for",
    "warning: zmqecho.config.json:11:15: endpoints.lock.bind[0]: tcp://0.0.0.0:5002 is open to whoever reaches this machine: no keys are asked for",
    'warning: zmqecho.config.json:10:13: endpoints.lock.concurrency: one request at a time (concurrency 1), though many machines may call; set "concurrency", to 16 for a start',
    'warning: zmqecho.config.json:13:15: endpoints.worker.concurrency: one request at a time (concurrency 1), though a broker passes on those of many clients; set "concurrency", to 16 for a start',
  ]);
});

test("an HTTP address that others can reach is warned of", async () => {
  const endpoints = { a: { bind: "tcp://127.0.0.1:5000" } };
  const { code, stderr } = await check({ http: { bind: "*:9464" }, endpoints });
  expect(code).toBe(0);
  expect(stderr).toEqual([
    "warning: zmqecho.config.json:3:13: http.bind: *:9464 is open to whoever reaches this machine: anybody may see what this host does",
  ]);
  expect((await check({ http: { bind: "127.0.0.1:9464" }, endpoints })).stderr).toEqual([]);
});

test("a handler that may take long is warned of where it holds up all others", async () => {
  const slow = "export default { timeoutMs: 30000, handle: () => null };\n";
  const endpoints = (concurrency: number) => ({ a: { bind: "tcp://127.0.0.1:5000", handlers: ["*"], concurrency } });
  const lockStep = await check({ endpoints: endpoints(1) }, { "plugins/slow.js": slow });
  expect(lockStep.stderr).toEqual([
    'warning: zmqecho.config.json:8:22: endpoints.a.concurrency: one request at a time (concurrency 1), and handler slow may take 30000 ms for each; set "concurrency", to 16 for a start',
  ]);
  expect((await check({ endpoints: endpoints(2) }, { "plugins/slow.js": slow })).stderr).toEqual([]);
});

test("a pool of a handler that runs inline is warned of", async () => {
  const { code, stderr } = await check({
    handlers: { echo: { pool: { maxWorkers: 2 } } },
    endpoints: { a: { bind: "tcp://127.0.0.1:5000" } },
  });
  expect([code, stderr]).toEqual([
    0,
    [
      'warning: zmqecho.config.json:4:15: handlers.echo.pool: handler echo runs inline, so its pool counts for nothing; set "isolation" to "thread" or "process"',
    ],
  ]);
});

test("a target that gives up before the handler it calls is warned of", async () => {
  const { code, stderr } = await check({
    handlers: { echo: { timeoutMs: 3000 } },
    endpoints: { a: { bind: "tcp://*:5000", concurrency: 2 } },
    targets: {
      hasty: { connect: "tcp://127.0.0.1:5000", timeoutMs: 3000 },
      patient: { connect: "tcp://127.0.0.1:5000", timeoutMs: 3001 },
      elsewhere: { connect: "tcp://robot:5000", timeoutMs: 1 },
    },
  });
  expect(code).toBe(0);
  expect(stderr.filter((line) => !line.includes(" is open to "))).toEqual([
    "warning: zmqecho.config.json:16:20: targets.hasty.timeoutMs: gives up after 3000 ms, and handler echo of endpoint a may take 3000; give it more than that",
  ]);
});

test("what a plugin leaves running, or breaks aside, does not decide how the check ends", async () => {
  const plugin = `setInterval(() => {}, 1000);\nvoid Promise.reject(new Error("aside"));\nawait new Promise(setImmediate);\n${ECHO}`;
  const { code, stdout, stderr } = await check({}, { "plugins/busy.ts": plugin });
  expect([code, stdout.length]).toEqual([0, 1]);
  expect(stderr).toEqual(["warning: a plugin fails outside of any call: Error: aside"]);
});

test("a plugin that ends the process as it is loaded is an error, not a silent success", async () => {
  const { code, stdout, stderr } = await check({}, { "plugins/exit.ts": "process.exit(0);\n" });
  expect([code, stdout]).toEqual([2, []]);
  expect(stderr).toEqual(["zmqecho: a plugin ended the process while it was loaded; take its process.exit() out"]);
});

test("--config names the file, and one that is not there is an error", async () => {
  const named = await check("{}", { "other.json": '{ "watch": 1 }' }, ["--config", "other.json"]);
  expect([named.code, named.stderr]).toEqual([2, ["zmqecho: other.json:1:12: watch: expected true or false, got 1"]]);
  const missing = await check("{}", {}, ["--config", "nowhere.json"]);
  expect([missing.code, missing.stderr]).toEqual([
    2,
    ["zmqecho: nowhere.json: there is no such file (named by --config)"],
  ]);
});
