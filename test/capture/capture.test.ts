/** Requests that fail in a real host, kept, and sent again by the real command. */
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createCaptureFollower } from "../../src/capture/capture.ts";
import type { Client } from "../../src/client/client.ts";
import { createClient } from "../../src/client/create-client.ts";
import { loadConfig, resolveConfig } from "../../src/config/load.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { createHost, type Host } from "../../src/host.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, type RecordingLog, recordingLog } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";
import { run, serve } from "../processes.ts";
import { entriesIn, recordingsIn, requestsIn } from "./kept.ts";

const capture = { dir: "captures" };
const FAILS = 'export default () => { throw new Error("secret"); };';

interface Site {
  readonly host: Host;
  readonly folder: string;
  /** Of the recordings. */
  readonly dir: string;
  readonly log: RecordingLog;
}

/** A host on a folder with its configuration and its plugins. */
async function site(config: ConfigInput, plugins: Record<string, string> = { it: FAILS }): Promise<Site> {
  const files = Object.fromEntries(Object.entries(plugins).map(([name, code]) => [`plugins/${name}.ts`, code]));
  const folder = await createFolder({ "zmqecho.config.json": JSON.stringify({ watch: false, ...config }), ...files });
  const log = recordingLog();
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log });
  await host.start();
  onTestFinished(() => host.stop());
  return { host, folder, dir: join(folder, "captures"), log };
}

function client(host: Host, endpoint: string, codec: "json" | "cbor" | "raw" = "json"): Client {
  const made: Client = createClient({ connect: addressOf(host, endpoint), codec });
  onTestFinished(() => made.close());
  return made;
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => (ZmqEchoError.is(error) ? error : undefined),
  );

test("a request that failed is sent again after its handler was mended, and the reply is told", async () => {
  const { host, folder, dir } = await site({
    endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
    capture,
  });
  expect(await failure(client(host, "e").request({ price: 7 }))).toMatchObject({ code: "internal" });
  await expect.poll(() => readdirSync(dir)).toHaveLength(1);
  const [recording] = await recordingsIn(dir);
  const args = ["replay", recording?.file ?? "", "--fast"];
  await writeFiles(folder, { "plugins/it.ts": "export default ({ price }) => ({ total: price * 2 });" });
  await host.reload();
  expect(await run(args)).toMatchObject({
    code: 0,
    stderr: "",
    stdout: `#1 it: was internal: the handler failed; the host's log has the cause; is {"total":14}\n1 request that had failed: 1 answered now, 0 failed\n`,
  });
  const { stdout } = await run([...args, "-o", "json"]);
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { n: 1, handler: "it", was: { code: "internal" }, is: { total: 14 } },
    { summary: { requests: 1, answered: 1, failed: 0 } },
  ]);
});

test("what is kept tells of the call what the log and the caller know", async () => {
  const { host, dir, log } = await site({
    endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
    capture,
  });
  const error = await failure(client(host, "e").request([1]));
  const requestId = String(error?.details.requestId);
  await host.stop();
  const [recording] = await recordingsIn(dir);
  expect(recording?.header).toMatchObject({ codec: "json", zep: false, target: expect.stringMatching(/^tcp:\/\/127/) });
  expect(recording?.entries).toMatchObject([
    {
      number: 1,
      request: [Buffer.from("[1]")],
      reply: [Buffer.from(`ZEP1 internal\n${error?.message}\n${JSON.stringify(error?.details)}`)],
      latencyMs: expect.any(Number),
      failed: {
        code: "internal",
        message: error?.message,
        handler: "it",
        endpoint: "e",
        version: expect.stringMatching(/^[0-9a-f]{8}$/),
        requestId,
        peer: expect.stringMatching(/^[0-9a-f]+$/),
      },
    },
  ]);
  expect(log.records).toContainEqual(expect.objectContaining({ fields: expect.objectContaining({ requestId }) }));
});

test("a message is kept as the caller was told it: in one line, whatever a reader takes for the end of one", async () => {
  const { host, dir } = await site(
    { endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } }, capture },
    {
      it: 'import { ZmqEchoError } from "zmqecho";\nexport default (text) => { throw new ZmqEchoError("internal", text); };',
    },
  );
  const text = `one\u2028two\u2029three\n${"x".repeat(5000)}`;
  const told = await failure(client(host, "e").request(text));
  await host.stop();
  const [entry] = await entriesIn(dir);
  expect(entry?.failed?.message).toBe(told?.message);
  expect(readFileSync(join(dir, readdirSync(dir)[0] ?? ""), "utf8")).not.toMatch(/[\u2028\u2029]/);
});

test("each version of a handler has an id of its own, and one given in code has none", async () => {
  const { host, folder, dir } = await site({
    endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
    capture,
  });
  await failure(client(host, "e").request(1));
  await writeFiles(folder, { "plugins/it.ts": 'export default () => { throw new Error("otherwise"); };' });
  await host.reload();
  await failure(client(host, "e").request(2));
  await host.stop();
  const versions = (await entriesIn(dir)).map(({ failed }) => failed?.version);
  expect(new Set(versions).size).toBe(2);

  const config = { plugins: [], endpoints: { e: { bind: ANY_PORT, handler: "code", codec: "json" } }, capture };
  const own = createHost(config, {
    folder: folderWith({}),
    log: recordingLog(),
    handlers: { code: () => Promise.reject() },
  });
  await own.start();
  const { capture: { dir: theirs } = capture } = own.config.config;
  await failure(client(own, "e").request(3));
  await own.stop();
  expect((await entriesIn(theirs))[0]?.failed).toMatchObject({ handler: "code" });
  expect((await entriesIn(theirs))[0]?.failed).not.toHaveProperty("version");
});

test("a call by name is kept as it can be sent again: handler, codec, metadata and bytes", async () => {
  const endpoints = { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 8 } };
  const { host, folder, dir } = await site({ endpoints, capture });
  const bytes = Buffer.from([0, 255, 10, 128]);
  await failure(client(host, "all", "raw").call("it", bytes));
  await failure(
    client(host, "all", "cbor").call("it", { id: 1 }, { metadata: { tenant: "a", "2": "b", "request-id": "mine" } }),
  );
  await expect.poll(() => entriesIn(dir)).toHaveLength(2);
  const [recording] = await recordingsIn(dir);
  expect(recording?.header).toMatchObject({ zep: true });
  const [first, second] = recording?.entries ?? [];
  expect(first?.request).toEqual([
    Buffer.from("ZEP1 call"),
    Buffer.from("it"),
    Buffer.from("raw"),
    expect.anything(),
    bytes,
  ]);
  expect(JSON.parse(String(second?.request[3]))).toMatchObject({ tenant: "a", "2": "b", "request-id": "mine" });
  expect(second?.failed?.requestId).toBe("mine");
  expect(String(second?.reply?.[0])).toBe("ZEP1 internal");
  await writeFiles(folder, { "plugins/it.ts": "export default (input) => input;" });
  await host.reload();
  const { code, stdout } = await run(["replay", recording?.file ?? "", addressOf(host, "all"), "--fast"]);
  expect(stdout.split("\n").slice(0, 2)).toEqual([
    expect.stringMatching(/^#1 it: was internal: .*; is \(4 bytes\) 00ff0a80$/),
    expect.stringMatching(/^#2 it: was internal: .*; is \{"id":1\}$/),
  ]);
  expect(code).toBe(0);
});

test("calls of one batch are kept each by itself", async () => {
  const endpoints = { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 64 } };
  const { host, dir } = await site({ endpoints, capture });
  const all = client(host, "all");
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  await Promise.all(numbers.map((number) => failure(all.call("it", number))));
  await host.stop();
  const entries = await entriesIn(dir);
  expect(entries.map(({ request }) => Number(String(request[4]))).sort((one, other) => one - other)).toEqual(numbers);
});

test.each(["inline", "thread", "process"] as const)("a deadline that passed is kept (%s)", async (isolation) => {
  const { host, dir } = await site(
    {
      endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
      handlers: { it: { isolation, timeoutMs: 400 } },
      capture,
    },
    { it: "export default (input) => new Promise(() => {});" },
  );
  expect(await failure(client(host, "e").request("x"))).toMatchObject({ code: "deadline_exceeded" });
  await host.stop();
  expect(await entriesIn(dir)).toMatchObject([
    { request: [Buffer.from('"x"')], failed: { code: "deadline_exceeded", version: expect.any(String) } },
  ]);
});

test("a call whose worker was lost is kept with its bytes", async () => {
  const { host, dir } = await site(
    {
      endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
      handlers: { it: { isolation: "process" } },
      capture,
    },
    { it: "export default () => process.exit(3);" },
  );
  expect(await failure(client(host, "e").request("last words"))).toMatchObject({ code: "internal" });
  await host.stop();
  expect(await requestsIn(dir)).toEqual(['"last words"']);
});

test("failures with other codes, and replies, are not kept", async () => {
  const { host, dir } = await site(
    { endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } }, capture: { ...capture, codes: ["aborted"] } },
    {
      it: `import { ZmqEchoError } from "zmqecho";
        export default (code) => { if (code === "ok") return 1; throw code === "" ? new Error() : new ZmqEchoError(code, "no"); };`,
    },
  );
  for (const code of ["ok", "", "not_found", "aborted"])
    await client(host, "e")
      .request(code)
      .catch(() => undefined);
  await host.stop();
  expect(await requestsIn(dir)).toEqual(['"aborted"']);
});

test("what was read before the stop is on the disk after it", async () => {
  const { host, dir } = await site(
    { endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json", concurrency: 300 } }, capture },
    { it: "export default async () => { throw new Error(); };" },
  );
  const one = client(host, "e");
  await Promise.all(Array.from({ length: 200 }, (_, index) => failure(one.request(index))));
  await host.stop();
  expect(await entriesIn(dir)).toHaveLength(200);
});

test("a reload turns it on, changes it and turns it off", async () => {
  const endpoints = { e: { bind: ANY_PORT, handler: "it", codec: "json" } };
  const { host, folder, dir } = await site({ endpoints });
  const one = client(host, "e");
  const other = join(folder, "elsewhere");
  const reload = async (config: ConfigInput) => {
    await writeFiles(folder, { "zmqecho.config.json": JSON.stringify({ watch: false, endpoints, ...config }) });
    await host.reload();
  };
  await failure(one.request("off"));
  await reload({ capture });
  await failure(one.request("on"));
  await reload({ capture: { dir: other } });
  await failure(one.request("elsewhere"));
  await reload({ capture: { ...capture, codes: ["not_found"] } });
  await failure(one.request("no such code"));
  await reload({});
  await failure(one.request("off again"));
  await host.stop();
  expect([await requestsIn(dir), await requestsIn(other)]).toEqual([['"on"'], ['"elsewhere"']]);
});

test("an endpoint that has become another begins another recording", async () => {
  const plain = { bind: ANY_PORT, handler: "it", codec: "json" };
  const { host, folder, dir } = await site({ endpoints: { e: plain }, capture });
  await failure(client(host, "e").request(1));
  const endpoints = { e: { bind: ANY_PORT, handlers: ["*"] } };
  await writeFiles(folder, { "zmqecho.config.json": JSON.stringify({ watch: false, endpoints, capture }) });
  await host.reload();
  await failure(client(host, "e").call("it", 2));
  await host.stop();
  expect((await recordingsIn(dir)).map(({ header, entries }) => [header.zep, entries.length])).toEqual([
    [false, 1],
    [true, 1],
  ]);
});

test("without it there is nothing on the way of a call", () => {
  const follower = createCaptureFollower(new Map(), recordingLog());
  const { config } = resolveConfig({ endpoints: { e: { bind: ANY_PORT } } });
  expect(Object.values(config.endpoints).map(follower.prepare(config).hooksFor)).toEqual([[]]);
});

test("a disk that takes nothing does not keep the host from its end", async () => {
  const { host, dir, log } = await site({
    endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
    capture,
  });
  await failure(client(host, "e").request("written"));
  await expect.poll(() => entriesIn(dir)).toHaveLength(1);
  const file = join(dir, readdirSync(dir)[0] ?? "");
  rmSync(file);
  execFileSync("mkfifo", [file]);
  await failure(client(host, "e").request("for nobody"));
  await host.stop(0);
  expect(await log.logged("failed requests are not all written")).toMatchObject({ level: "error" });
  // Node's thread that waits for a reader goes on.
  closeSync(openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
});

test("the folder and the files are their owner's alone", async () => {
  const { host, dir } = await site({ endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } }, capture });
  await failure(client(host, "e").request(1));
  await host.stop();
  const [name = ""] = readdirSync(dir);
  expect([statSync(dir).mode & 0o777, statSync(join(dir, name)).mode & 0o777]).toEqual([0o700, 0o600]);
});

test("a folder that can't be had is said once, and calls are answered as before", async () => {
  const { host, folder, dir, log } = await site({
    endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
    capture: { dir: "captures/deep" },
  });
  await log.logged("are kept in");
  await expect.poll(() => readdirSync(folder)).toContain("captures");
  rmSync(dir, { recursive: true });
  writeFileSync(dir, "a file in its place");
  const one = client(host, "e");
  for (let number = 0; number < 20; number++)
    expect(await failure(one.request(number))).toMatchObject({ code: "internal" });
  await host.stop();
  const said = log.records.filter(({ message }) => message.includes("can't keep failed requests"));
  expect(said).toMatchObject([{ level: "error", message: expect.stringMatching(/: E(EXIST|NOTDIR)/) }]);
});

test("a folder that went away is made again", async () => {
  const { host, dir, log } = await site({
    endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
    capture,
  });
  const one = client(host, "e");
  await failure(one.request("before"));
  await expect.poll(() => entriesIn(dir)).toHaveLength(1);
  rmSync(dir, { recursive: true });
  await failure(one.request("after"));
  await host.stop();
  expect(await requestsIn(dir)).toEqual(['"after"']);
  expect(log.records.filter(({ level, message }) => level === "error" && message.includes("keep"))).toEqual([]);
});

test("a folder that can't be had at the start is said before anything fails, and the host serves", async () => {
  const folder = folderWith({ captures: "a file" });
  const log = recordingLog();
  const config: ConfigInput = { plugins: [], endpoints: { e: { bind: ANY_PORT } }, capture };
  const host = createHost(config, { folder, log });
  await host.start();
  onTestFinished(() => host.stop());
  expect(await log.logged("can't keep failed requests")).toMatchObject({ level: "error" });
  expect(await client(host, "e", "raw").request("x")).toEqual(Buffer.from("x"));
});

test("where files can't grow no line is left half written, and the next file goes on", async () => {
  const config = { endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } }, capture };
  const folder = await createFolder({ "zmqecho.config.json": JSON.stringify(config), "plugins/it.ts": FAILS });
  // Blocks of 512 bytes or of 1024, as the shell counts.
  const host = await serve([], { cwd: folder, shell: 'ulimit -f 8; exec "$0" "$@"' });
  const one = createClient({ connect: host.addresses[0] ?? "", codec: "json" });
  onTestFinished(() => one.close());
  for (let number = 0; number < 40; number++)
    expect(await failure(one.request("x".repeat(700)))).toMatchObject({ code: "internal" });
  expect(await host.stop()).toMatchObject({ code: 0, stderr: expect.stringContaining("EFBIG") });
  const recordings = await recordingsIn(join(folder, "captures"));
  expect(recordings.length).toBeGreaterThan(2);
  expect(recordings.flatMap(({ entries }) => entries).length).toBeGreaterThan(20);
});

test("two hosts may have one folder", async () => {
  const folder = folderWith({});
  const config: ConfigInput = {
    plugins: [],
    endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } },
    capture,
  };
  const hosts = [0, 1].map(() =>
    createHost(config, { folder, log: recordingLog(), handlers: { it: () => Promise.reject() } }),
  );
  for (const host of hosts) await host.start();
  const clients = hosts.map((host) => client(host, "e"));
  await Promise.all(clients.flatMap((one, index) => [0, 1, 2].map((number) => failure(one.request([index, number])))));
  await Promise.all(hosts.map((host) => host.stop()));
  expect((await requestsIn(join(folder, "captures"))).sort()).toEqual([
    "[0,0]",
    "[0,1]",
    "[0,2]",
    "[1,0]",
    "[1,1]",
    "[1,2]",
  ]);
});
