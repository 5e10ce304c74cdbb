/**
 * The installed package, as somebody has it who just installed it: `node .ci/smoke.mjs FOLDER`, with the Node to be tried.
 * FOLDER has zmqecho in its node_modules, and nothing else; no install script has run.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const [, , installed] = process.argv;
assert.ok(installed, "usage: node .ci/smoke.mjs FOLDER");
// Away from the checkout, so that nothing of it is found; a copy, so that several may run at once.
const folder = await mkdtemp(join(tmpdir(), "zmqecho-smoke-"));
await cp(installed, folder, { recursive: true, verbatimSymlinks: true });
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const bin = join(folder, "node_modules/zmqecho/dist/bin.js");
const options = { cwd: folder, timeout: 60_000, env: { PATH: process.env.PATH, HOME: folder } };
const node = (...args) => promisify(execFile)(process.execPath, args, options);

/** Starts `zmqecho serve`, runs `work` with its addresses, and expects it to end well when told to. */
async function serving(args, count, work) {
  const server = spawn(process.execPath, [bin, "serve", ...args], { ...options, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(server, "exit");
  let log = "";
  try {
    const addresses = await new Promise((resolve, reject) => {
      server.stderr.on("data", (chunk) => {
        log += chunk;
        const found = [...log.matchAll(/"endpoint":"([\w-]+)","msg":"listening on ([^"]+)"/g)];
        if (found.length === count) resolve(Object.fromEntries(found.map(([, name, address]) => [name, address])));
      });
      ended.then(([code]) => reject(new Error(`serve ended with ${code}:\n${log}`)), reject);
    });
    await work(addresses);
    server.kill("SIGTERM");
    const [code] = await ended;
    assert.equal(code, 0, `serve ended with ${code}:\n${log}`);
  } finally {
    server.kill("SIGKILL");
  }
}

const send = async (...args) => (await node(bin, "send", ...args)).stdout;

const text = await node(bin, "--help");
assert.match(text.stdout, /^ {2}serve .*^ {2}send /ms, "help names the commands");

const value = { text: "Grüße", numbers: [1, 2.5, -3], none: null, yes: true };
const codecs = ["raw", "json", "cbor", "msgpack", "protobuf"];
const anyPort = "tcp://127.0.0.1:*";
await writeFile(
  join(folder, "every-codec.json"),
  JSON.stringify({
    endpoints: Object.fromEntries(codecs.map((codec) => [codec, { bind: anyPort, codec }])),
  }),
);
await serving(["--config", "every-codec.json"], codecs.length, async (addresses) => {
  assert.equal(await send(addresses.raw), "-> Hello world!\n<- Hello world!\n");
  await Promise.all(
    codecs.map(async (codec) => {
      const reply = await send(addresses[codec], JSON.stringify(value), "--codec", codec, "-o", "value");
      assert.deepEqual(JSON.parse(reply), value, codec);
    }),
  );
});
await rm(join(folder, "every-codec.json"));

await node(bin, "init");
const tested = await node("--test");
assert.match(tested.stdout, /pass [1-9]/, "the test that init wrote has run");
assert.match(tested.stdout, /fail 0/);
await node(bin, "check");
await writeFile(
  join(folder, "plugins/total.ts"),
  `import { defineHandler, ZmqEchoError } from "zmqecho";
enum Unit { Cent = 100 }
interface Line { readonly price: number; readonly quantity: number }
export default defineHandler({
  handle(input): { total: number } {
    const lines = input as readonly Line[];
    if (lines.length === 0) throw new ZmqEchoError("out_of_range", "nothing to add up");
    return { total: lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0) / Unit.Cent };
  },
});
`,
);
await serving([anyPort, "--handler", "total", "--codec", "json"], 1, async ({ total }) => {
  const lines = JSON.stringify([{ price: 250, quantity: 3 }]);
  assert.equal(await send(total, lines, "--codec", "json", "-o", "value"), '{"total":7.5}\n');
  const refused = await node(bin, "send", total, "[]", "--codec", "json").catch((error) => error);
  assert.equal(refused.code, 64 + 11, "the handler's error is the exit code");
  assert.match(refused.stderr, /nothing to add up/);
});

// Behind walls: what is loaded, and where from, is different there. And the configuration in TypeScript, without TypeScript installed.
await writeFile(
  join(folder, "plugins/where.ts"),
  `import { threadId } from "node:worker_threads";
import { defineHandler, ZmqEchoError } from "zmqecho";
export default defineHandler({
  handle(input): { pid: number; thread: number } {
    if (input === "spin") for (;;);
    if (input === "exit") process.exit(3);
    if (input === "refuse") throw new ZmqEchoError("aborted", "as asked");
    return { pid: process.pid, thread: threadId };
  },
});
`,
);
await rm(join(folder, "zmqecho.config.json"));
await writeFile(
  join(folder, "zmqecho.config.ts"),
  `import { defineConfig } from "zmqecho";
const wall = (isolation: "thread" | "process") => ({ plugin: "where", isolation, timeoutMs: 2000, pool: { maxWorkers: 1 } });
export default defineConfig({
  handlers: { thread: wall("thread"), process: wall("process") },
  endpoints: { walls: { bind: "${anyPort}", handlers: ["where", "thread", "process"], concurrency: 4 } },
});
`,
);
await serving([], 1, async ({ walls }) => {
  const call = async (handler, input) => {
    const said = await node(
      bin,
      "send",
      walls,
      "--handler",
      handler,
      "--codec",
      "cbor",
      JSON.stringify(input),
      "-o",
      "json",
    ).catch((error) => error);
    return JSON.parse(said.stdout);
  };
  const inline = (await call("where", null)).value;
  assert.equal(inline.thread, 0);
  const thread = (await call("thread", null)).value;
  assert.equal(thread.pid, inline.pid);
  assert.notEqual(thread.thread, 0);
  const other = (await call("process", null)).value;
  assert.notEqual(other.pid, inline.pid);
  for (const handler of ["thread", "process"]) {
    assert.equal((await call(handler, "refuse")).code, "aborted", handler);
    assert.equal((await call(handler, "exit")).code, "internal", handler);
    assert.equal((await call(handler, "spin")).code, "deadline_exceeded", handler);
    assert.equal((await call(handler, null)).ok, true, `${handler} goes on`);
  }
});

for (const name of ["host", "clients/ann", "bob"]) await node(bin, "keygen", join("keys", name));
const curve = { certificate: "keys/host.key_secret", allow: "keys/clients" };
await writeFile(join(folder, "curve.json"), JSON.stringify({ endpoints: { safe: { bind: anyPort, curve } } }));
await serving(["--config", "curve.json"], 1, async ({ safe }) => {
  const as = (name) => ["--server-key", "keys/host.key", "--certificate", `keys/${name}.key_secret`, "-o", "value"];
  assert.equal(await send(safe, "let in", ...as("clients/ann")), "let in\n");
  const codeOf = (...args) => node(bin, "send", safe, "kept out", ...args).catch(({ code }) => code);
  assert.equal(await codeOf(...as("bob")), 80, "a key that is not let in");
  assert.equal(await codeOf(), 80, "no key");
});

console.log(
  `Node ${process.version}: serve and send with ${codecs.length} codecs, init and its test, a TypeScript plugin, a thread, a process, a TypeScript configuration, CURVE`,
);
