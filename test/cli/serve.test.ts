import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";
import { run, serve, start } from "../processes.ts";

/** Ends soon whatever hangs. */
const HASTY = { limits: { lingerMs: 100 }, shutdown: { graceMs: 100 } };

function client(connect: string | undefined, codec: "raw" | "json" = "raw", wait = false) {
  const made = createClient({ connect: connect ?? "", codec, wait });
  onTestFinished(() => made.close());
  return made;
}

describe("with flags alone", () => {
  test("an address is an echo server", async () => {
    const served = await serve([ANY_PORT]);
    expect(String(await client(served.addresses[0]).request("hello"))).toBe("hello");
    expect(await served.stop()).toMatchObject({ code: 0, stdout: "" });
  });

  test("--codec sets how bodies are read", async () => {
    const served = await serve([ANY_PORT, "--codec", "json"]);
    await expect(client(served.addresses[0]).request("no json")).rejects.toMatchObject({ code: "invalid_argument" });
    expect(await client(served.addresses[0], "json").request([1])).toEqual([1]);
  });

  test("--reply answers every request with its value", async () => {
    const served = await serve([ANY_PORT, "--codec", "json", "--reply", '{"ok":true}']);
    expect(await client(served.addresses[0], "json").request("anything")).toEqual({ ok: true });
  });

  test("--handler FILE serves that file, in TypeScript too", async () => {
    const cwd = folderWith({ "one.ts": 'export default (input: unknown): string => "got " + (input as string);' });
    const served = await serve([ANY_PORT, "--codec", "json", "--handler", "./one.ts"], { cwd });
    expect(await client(served.addresses[0], "json").request("x")).toBe("got x");
  });

  test("--handler NAME serves a plugin of the folder", async () => {
    const cwd = folderWith({ "plugins/two.js": "export default () => 2;" });
    const served = await serve([ANY_PORT, "--codec", "json", "--handler", "two"], { cwd });
    expect(await client(served.addresses[0], "json").request("x")).toBe(2);
  });

  test("--proto serves a type of a schema", async () => {
    const cwd = folderWith({ "t.proto": 'syntax = "proto3"; package t; message Ask { int32 n = 1; }' });
    const served = await serve([ANY_PORT, "--proto", "t.proto", "--type", "t.Ask"], { cwd });
    expect(await client(served.addresses[0]).request(Buffer.from([8, 5]))).toEqual(Buffer.from([8, 5]));
  });

  test("--concurrency serves calls side by side", async () => {
    const cwd = folderWith({
      "pair.mjs":
        "let first; export default () => new Promise((r) => { if (first) { first(1); r(2); } else first = r; });",
    });
    const served = await serve([ANY_PORT, "--codec", "json", "--handler", "./pair.mjs", "--concurrency", "2"], { cwd });
    const asked = [client(served.addresses[0], "json").request(0), client(served.addresses[0], "json").request(0)];
    expect((await Promise.all(asked)).sort()).toEqual([1, 2]);
  });

  test("-v shows the traffic", async () => {
    const served = await serve([ANY_PORT, "-v"]);
    await client(served.addresses[0]).request("hello");
    const lines = (await served.stop()).stderr
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(["-> hello", "<- hello"]));
  });
});

test("a configuration's endpoints, handlers and codecs are served, each address on a line", async () => {
  const cwd = folderWith({
    "zmqecho.config.json": JSON.stringify({
      endpoints: {
        plain: { bind: [ANY_PORT, "ipc://./here.sock"], handler: "shout", codec: "json" },
        zep: { bind: ANY_PORT, handlers: ["*"], concurrency: 4 },
      },
    }),
    "plugins/shout.ts": "export default (text: string) => text.toUpperCase();",
  });
  const served = await serve([], { cwd, addresses: 3 });
  const [tcp, ipc, zep] = served.addresses;
  expect(ipc).toBe(`ipc://${join(cwd, "here.sock")}`);
  for (const address of [tcp, ipc]) expect(await client(address, "json").request("hi")).toBe("HI");
  expect(await client(zep, "json").call("shout", "hi")).toBe("HI");
  await served.stop();
  expect(existsSync(join(cwd, "here.sock"))).toBe(false);
});

test("a mistake in the configuration is exit 2, with its place", async () => {
  const cwd = folderWith({ "zmqecho.config.json": '{\n  "endpoints": { "e": { "bnid": "tcp://*:1" } }\n}' });
  const { code, stdout, stderr } = await run(["serve"], { cwd });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`${cwd}/zmqecho.config.json:2:25: endpoints.e.bnid: `);
  expect(stderr).toContain('did you mean "bind"?');
});

test.each([
  ["the handler of --reply", ["--reply", "x"]],
  ["a file", ["--handler", "./one.ts"]],
])("%s is not missed beside a mistake in the configuration", async (_, args) => {
  const cwd = folderWith({ "zmqecho.config.json": '{ "watch": 1 }', "one.ts": "" });
  const { code, stderr } = await run(["serve", ANY_PORT, ...args, "--codec", "jsno"], { cwd });
  expect(code).toBe(2);
  expect(stderr.split("\n").filter(Boolean)).toEqual([
    expect.stringContaining('there is no codec "jsno"'),
    expect.stringContaining("expected true or false, got 1"),
  ]);
});

test("an address that is taken is exit 1, in one line", async () => {
  const taken = addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT } } }), "e");
  expect(await run(["serve", taken])).toMatchObject({
    code: 1,
    stderr: `zmqecho: unavailable: can't bind ${taken}: another socket has this address; stop it, or choose another port (* for any free one)\n`,
  });
});

test.each([
  ["a name to bind", ["tcp://localhost:5555"], "libzmq does not bind names; write tcp://127.0.0.1:5555"],
  ["a reply that is no JSON", [ANY_PORT, "--codec", "json", "--reply", "oops"], "--reply is no JSON"],
  ["a handler and a reply", [ANY_PORT, "--handler", "echo", "--reply", "x"], "exclude each other"],
  ["a handler that is nobody's", [ANY_PORT, "--handler", "ehco"], 'there is no handler "ehco"; did you mean "echo"?'],
  ["a file that is not there", [ANY_PORT, "--handler", "./nowhere.ts"], "nowhere.ts"],
])("%s is exit 2", async (_, args, message) => {
  expect(await run(["serve", ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test("SIGHUP reloads, and what it can't use changes nothing", async () => {
  const file = (text: string) => ({
    "zmqecho.config.json": JSON.stringify({
      watch: false,
      endpoints: { one: { bind: ANY_PORT, handler: "it", codec: "json" } },
      handlers: { it: { options: { text } } },
    }),
  });
  const cwd = folderWith({ ...file("one"), "plugins/it.mjs": "export default (_, { options }) => options.text;" });
  const served = await serve([], { cwd });
  const ask = async () => (await run(["send", ...served.addresses, "null", "--codec", "json", "-o", "value"])).stdout;
  expect(await ask()).toBe('"one"\n');
  writeFileSync(join(cwd, "zmqecho.config.json"), file("two")["zmqecho.config.json"]);
  process.kill(served.pid, "SIGHUP");
  await served.logged("reloaded the configuration, handler it");
  expect(await ask()).toBe('"two"\n');
  writeFileSync(join(cwd, "zmqecho.config.json"), "{");
  process.kill(served.pid, "SIGHUP");
  await served.logged("the configuration can't be used");
  expect(await ask()).toBe('"two"\n');
  expect(await served.stop()).toMatchObject({ code: 0 });
});

describe("ends", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("with 0 on %s", async (signal) => {
    const served = await serve([ANY_PORT]);
    expect(await served.stop(signal)).toMatchObject({ code: 0 });
  });

  test("after it has answered what runs", async () => {
    const cwd = folderWith({
      "slow.mjs": "export default () => new Promise((r) => { console.log('running'); setTimeout(r, 300, 'done'); });",
    });
    const served = await serve([ANY_PORT, "--codec", "json", "--handler", "./slow.mjs"], { cwd });
    const answer = client(served.addresses[0], "json").request(0);
    await served.printed("running");
    expect(await Promise.all([answer, served.stop()])).toMatchObject(["done", { code: 0 }]);
  });

  test("at once, and not with 0, on a second signal", async () => {
    const cwd = folderWith({ "hang.mjs": "export default () => new Promise(() => console.log('running'));" });
    const served = await serve([ANY_PORT, "--handler", "./hang.mjs"], { cwd });
    const lost = client(served.addresses[0])
      .request("x", { timeoutMs: 10_000 })
      .catch((error: unknown) => error);
    await served.printed("running");
    process.kill(served.pid, "SIGINT");
    await served.logged("draining");
    expect(await served.stop("SIGINT")).toMatchObject({ code: 130 });
    expect(await lost).toMatchObject({ code: "unavailable" });
  });

  test("without its ipc file, on a second signal too", async () => {
    const cwd = folderWith({ "hang.mjs": "export default () => new Promise(() => console.log('running'));" });
    const served = await serve(["ipc://./hang.sock", "--handler", "./hang.mjs"], { cwd });
    const lost = client(`ipc://${join(cwd, "hang.sock")}`)
      .request("x", { timeoutMs: 10_000 })
      .catch((error: unknown) => error);
    await served.printed("running");
    process.kill(served.pid, "SIGTERM");
    await served.logged("draining");
    expect(await served.stop("SIGTERM")).toMatchObject({ code: 143 });
    await lost;
    expect(readdirSync(cwd)).not.toContain("hang.sock");
  });

  test.each([
    ["with a timer that runs", "new Promise(() => setInterval(() => {}, 1000))"],
    ["with nothing that runs", "new Promise(() => {})"],
  ])("with 0 even if a teardown hangs, %s", async (_, teardown) => {
    const cwd = folderWith({
      "plugins/stuck.mjs": `export default { handle: () => 1, teardown: () => ${teardown} };`,
      "zmqecho.config.json": JSON.stringify({ ...HASTY, endpoints: { e: { bind: ANY_PORT, handler: "stuck" } } }),
    });
    const { code, stderr } = await (await serve([], { cwd })).stop();
    expect(code).toBe(0);
    expect(stderr).toContain("is not waited for");
  });

  test("with 1 if it can't stop, such as for a setup that hangs", async () => {
    const cwd = folderWith({
      "plugins/stuck.mjs": `export default {
        handle: () => 1,
        setup: () => new Promise(() => setInterval(() => console.log("setting up"), 10)),
      };`,
      "zmqecho.config.json": JSON.stringify({ ...HASTY, endpoints: { e: { bind: ANY_PORT, handler: "stuck" } } }),
    });
    const { child, finished } = start(["serve"], { cwd });
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    const { code, stderr } = await finished;
    expect(code).toBe(1);
    expect(stderr).toContain("not stopped 2200 ms after the signal");
  });

  test("even if a plugin left something running", async () => {
    const cwd = folderWith({ "busy.mjs": "setInterval(() => {}, 1000); export default () => 1;" });
    const config = { limits: { lingerMs: 100 }, endpoints: { e: { bind: ANY_PORT, handler: "busy" } }, plugins: ["."] };
    const folder = folderWith({ "zmqecho.config.json": JSON.stringify({ ...config, plugins: [cwd] }) });
    const served = await serve([], { cwd: folder });
    expect(await served.stop()).toMatchObject({ code: 0 });
  });
});

describe("goes on, and ends in order, with a log that", () => {
  test.each(["json", "pretty"])("no disk has room for, in %s", async (format) => {
    const cwd = folderWith({});
    const { child, finished } = start(["serve", "ipc://./e.sock", "-v"], {
      cwd,
      env: { ZMQECHO_LOG_FORMAT: format },
      shell: 'exec "$0" "$@" 2>/dev/full',
    });
    const asker = client(`ipc://${cwd}/e.sock`, "raw", true);
    for (const text of ["one", "two"]) expect(String(await asker.request(text))).toBe(text);
    child.kill("SIGTERM");
    expect(await finished).toMatchObject({ code: 0 });
  });

  test.each(["json", "pretty"])("nobody reads any more, in %s", async (format) => {
    const served = await serve([ANY_PORT, "-v"], { env: { ZMQECHO_LOG_FORMAT: format } });
    served.hangUp();
    const asker = client(served.addresses[0]);
    for (const text of ["one", "two"]) expect(String(await asker.request(text))).toBe(text);
    expect(await served.stop()).toMatchObject({ code: 0 });
  });

  test("can't read an error's fields", async () => {
    const cwd = folderWith({
      "evil.mjs": `class Evil extends Error { name = "Evil"; constructor() { super(); Object.defineProperty(this, "x", { enumerable: true, get() { throw 1; } }); } }
        export default () => { setTimeout(() => { throw new Evil(); }); return 1; };`,
    });
    const served = await serve([ANY_PORT, "--codec", "json", "--handler", "./evil.mjs"], { cwd });
    for (const _ of [1, 2]) expect(await client(served.addresses[0], "json").request(0)).toBe(1);
    await served.logged("an error was thrown outside of any call; its fields can't be read");
    expect(await served.stop()).toMatchObject({ code: 0 });
  });
});

test("what plugins print does not end a host whose stdout nobody reads", async () => {
  const cwd = folderWith({
    "plugins/loud.mjs": "export default () => { process.stdout.write('x'.repeat(1000)); console.log('y'); return 1; };",
    "zmqecho.config.json": JSON.stringify({
      endpoints: { e: { bind: "ipc://./e.sock", handler: "loud", codec: "json" } },
    }),
  });
  const { child, finished } = start(["serve"], { cwd });
  child.stdout.destroy();
  const asker = client(`ipc://${cwd}/e.sock`, "json", true);
  for (const _ of [1, 2]) expect(await asker.request(0)).toBe(1);
  child.kill("SIGTERM");
  const { code, stderr } = await finished;
  expect(code).toBe(0);
  expect(stderr).not.toContain("EPIPE");
});

test("a request is one line of the log, whatever it holds", async () => {
  for (const format of ["json", "pretty"]) {
    const served = await serve([ANY_PORT, "-v"], { env: { ZMQECHO_LOG_FORMAT: format } });
    await client(served.addresses[0]).request("a\n12:00:00.000 INFO  all is well\x1b[2J\x9b\t.");
    const { stderr } = await served.stop();
    expect(stderr).toContain(format === "json" ? "-> a\\\\x0a12:00" : "-> a\\x0a12:00");
    expect(stderr).toContain("well\\");
    expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(stderr.split("\n").filter((line) => line.startsWith("12:00:00.000"))).toEqual([]);
  }
});

test("a pretty log shows control characters in fields and errors, and sends none", async () => {
  const cwd = folderWith({
    "says.mjs": `export default (text, { log }) => {
      log.info({ text, ["k" + text]: [[[[[text]]]]] }, "said");
      Promise.reject(text);
      throw new Error(text);
    };`,
  });
  const served = await serve([ANY_PORT, "--codec", "json", "--handler", "./says.mjs"], {
    cwd,
    env: { ZMQECHO_LOG_FORMAT: "pretty" },
  });
  await client(served.addresses[0], "json")
    .request("\x1b]0;x\x07\n\x85.")
    .catch(() => undefined);
  const { stderr } = await served.stop();
  expect(stderr).toContain(" text=\\x1b]0;x\\x07\\x0a\\x85. k\\x1b]0;x\\x07\\x0a\\x85.=[");
  expect(stderr).toContain("Error: \\x1b]0;x\\x07\n\\x85.\n    at ");
  expect(stderr).toMatch(/a promise was rejected and nobody was there to see it err=\\x1b/);
  expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u);
});

test("a stray rejection or late throw of a plugin is logged, and the next call is served", async () => {
  const cwd = folderWith({
    "stray.mjs": `export default (kind) => {
      if (kind === "reject") Promise.reject(new Error("stray rejection"));
      if (kind === "throw") setTimeout(() => { throw new Error("late throw"); });
      return kind;
    };`,
  });
  const served = await serve([ANY_PORT, "--codec", "json", "--handler", "./stray.mjs"], { cwd });
  const asker = client(served.addresses[0], "json");
  for (const kind of ["reject", "throw"]) expect(await asker.request(kind)).toBe(kind);
  await served.logged("stray rejection");
  await served.logged("late throw");
  expect(await asker.request("fine")).toBe("fine");
});

test("a handler's error is logged with its place in the source, and not sent", async () => {
  const cwd = folderWith({ "bad.ts": "\nexport default (): never => {\n  throw new Error('the secret');\n};\n" });
  const served = await serve([ANY_PORT, "--handler", "./bad.ts"], { cwd });
  const error = await client(served.addresses[0])
    .request("x")
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "internal" });
  expect(JSON.stringify(error)).not.toContain("secret");
  await served.logged("the secret");
  expect(served.log()).toContain("bad.ts:3:");
});

test("lines in a handler's stack stay those of its source when memory has been collected", async () => {
  const cwd = folderWith({
    "collect.ts": `import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;
export default (): never => {
  gc();
  gc();
  throw new Error("here");
};
`,
  });
  const served = await serve([ANY_PORT, "--handler", "./collect.ts"], { cwd });
  const asker = client(served.addresses[0]);
  for (let i = 0; i < 3; i++) await expect(asker.request("x")).rejects.toMatchObject({ code: "internal" });
  await served.stop();
  expect(served.log().match(/collect\.ts:8:9/g)).toHaveLength(3);
});

test("the end comes within the grace, whatever a handler still does", async () => {
  const cwd = folderWith({
    "zmqecho.config.json": JSON.stringify({
      shutdown: { graceMs: 300 },
      endpoints: { e: { bind: ANY_PORT, handler: "long" } },
    }),
    "plugins/long.mjs": "export default () => new Promise((r) => { console.log('running'); setTimeout(r, 60_000); });",
  });
  const served = await serve([], { cwd });
  const lost = client(served.addresses[0])
    .request("x")
    .catch((error: unknown) => error);
  await served.printed("running");
  const from = performance.now();
  expect(await served.stop()).toMatchObject({ code: 0 });
  expect(performance.now() - from).toBeLessThan(2000);
  expect(await lost).toMatchObject({ code: "unavailable" });
});
