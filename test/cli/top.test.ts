/** `zmqecho top` as a real process: piped, and on a terminal. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { Reply } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { Host } from "../../src/host.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run, type Started, start } from "../processes.ts";

const BIN = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));
const NAMED: ConfigInput = { endpoints: { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 8 } } };

const fails = () => Promise.reject(new Error("no"));

/** Sends so many requests, one after the other, whatever comes of them. */
async function ask(host: Host, handler: string, times: number): Promise<void> {
  const client = createClient({ connect: addressOf(host, "all"), codec: "json" });
  for (let count = 0; count < times; count++) await client.call(handler, count).catch(() => undefined);
  await client.close();
}

/** Resolves when it has printed the text. */
function printed({ child, output }: Started, text: string | RegExp): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const all = output.stdout();
      if (typeof text === "string" ? !all.includes(text) : !text.test(all)) return;
      child.stdout.off("data", look);
      resolve();
    };
    child.stdout.on("data", look);
    look();
  });
}

const documentsIn = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

test("the first look is of all since the start: traffic by endpoint and by handler, errors by code", async () => {
  const host = await startHost(NAMED, { fails });
  await ask(host, "echo", 3);
  await ask(host, "fails", 2);
  const { code, stdout, stderr } = await run(["top", addressOf(host, "all"), "--count", "1"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^\d{4}-\S+Z tcp:\/\/127\.0\.0\.1:\d+\nup 00:00:\d\d {2}reloads 0 {2}since its start/);
  expect(stdout).toMatch(/ requests\/s {2}[\d.]+ errors\/s: internal 2\n/);
  expect(stdout).toMatch(
    /\nENDPOINT +REQ\/S +ERR\/S +P50 +P90 +P99 +IN FLIGHT +QUEUED +REFUSED +DROPPED\nall +[\d.]+ /,
  );
  expect(stdout).toMatch(/\nHANDLER .*\necho +[\d.]+ +0 .*\nfails +[\d.]+ +[\d.]+ /);
  expect(stdout).not.toContain("\x1b");
});

test("each further look is of what came since the one before", async () => {
  const host = await startHost(NAMED, { fails });
  await ask(host, "echo", 3);
  const looking = start(["top", addressOf(host, "all"), "--count", "2", "--interval", "600", "-o", "json"]);
  await printed(looking, "\n");
  await ask(host, "echo", 4);
  await ask(host, "fails", 1);
  const { stdout, code } = await looking.finished;
  expect(code).toBe(0);
  expect(documentsIn(stdout)).toMatchObject([
    { since: "start", requests: 3, errors: {} },
    {
      since: "look",
      requests: 5,
      errors: { internal: 1 },
      endpoints: { all: { requests: 5, p50Ms: expect.any(Number), inFlight: 0, queued: 0, refused: 0 } },
      handlers: { echo: { requests: 4, errors: {} }, fails: { requests: 1, errorsPerSecond: expect.any(Number) } },
    },
  ]);
});

test("a host that goes is said, and one that comes back is asked again, from zero", async () => {
  const bind = await deadAddress();
  const config: ConfigInput = { endpoints: { all: { bind, handlers: ["*"], concurrency: 8 } } };
  const first = await startHost(config);
  await ask(first, "echo", 20);
  const looking = start(["top", bind, "--interval", "200", "-o", "json"]);
  await printed(looking, '"requests":20');
  await first.stop();
  await printed(looking, '"code":"unavailable"');
  const second = await startHost(config);
  await ask(second, "echo", 2);
  await printed(looking, '"since":"restart"');
  looking.child.kill("SIGTERM");
  const { stdout, code } = await looking.finished;
  expect(code).toBe(0);
  const documents = documentsIn(stdout);
  const after = documents.slice(documents.findIndex(({ since }) => since === "restart"));
  expect(after.reduce((sum, { requests }) => sum + requests, 0)).toBeLessThanOrEqual(2);
  expect(documents.filter(({ requestsPerSecond = 0 }) => requestsPerSecond < 0)).toEqual([]);
});

test("a host that is not there is exit 78, and with --wait it is waited for", async () => {
  const bind = await deadAddress();
  expect(await run(["top", bind])).toMatchObject({ code: 78, stderr: expect.stringContaining("connection refused") });
  const looking = start(["top", bind, "--wait", "--count", "1", "--interval", "100"]);
  await new Promise<void>((resolve) => looking.child.stderr.once("data", () => resolve()));
  await startHost({ endpoints: { all: { bind, handlers: ["*"] } } });
  const { code, stdout, stderr } = await looking.finished;
  expect([code, stderr.split("\n").length]).toEqual([0, 2]);
  expect(stdout).toContain("ENDPOINT");
});

test("without an address it is the configuration's first endpoint that tells of itself", async () => {
  const bind = await deadAddress();
  const endpoints = {
    plain: { bind: "tcp://127.0.0.1:1" },
    shy: { bind: "tcp://127.0.0.1:2", handlers: ["*"], introspection: false },
    all: { bind, handlers: ["*"] },
  };
  const cwd = folderWith({ "zmqecho.config.json": JSON.stringify({ endpoints }) });
  await startHost({ endpoints: { all: { bind, handlers: ["*"] } } });
  expect(await run(["top", "--count", "1"], { cwd })).toMatchObject({
    code: 0,
    stderr: `zmqecho: to endpoint all, ${bind}\n`,
  });
});

test("an endpoint that does not tell of itself is one line that says what to do", async () => {
  const host = await startHost({
    endpoints: { plain: { bind: ANY_PORT }, shy: { bind: ANY_PORT, handlers: ["*"], introspection: false } },
  });
  const cwd = folderWith({ "zmqecho.config.json": JSON.stringify({ endpoints: { plain: { bind: "tcp://*:5555" } } }) });
  expect(await run(["top", addressOf(host, "plain")])).toMatchObject({ code: 76, stdout: "" });
  expect(await run(["top", addressOf(host, "shy")])).toMatchObject({
    code: 76,
    stderr: expect.stringMatching(
      /^zmqecho: unimplemented: this endpoint tells nothing of itself; ask another one.*\n$/,
    ),
  });
  const advice = /^zmqecho: [^\n]*give the host one that does, such as "stats": \{[^\n]*\}\n$/;
  for (const args of [["top"], ["top", "--endpoint", "plain"]])
    expect(await run(args, { cwd })).toMatchObject({ code: 2, stderr: expect.stringMatching(advice) });
});

test("with --count the last look decides", async () => {
  const host = await startHost(NAMED);
  const looking = start(["top", addressOf(host, "all"), "--count", "2", "--interval", "400"]);
  await printed(looking, "ENDPOINT");
  await host.stop();
  const { code, stdout } = await looking.finished;
  expect(code).toBe(78);
  expect(stdout).toMatch(/no answer: unavailable: [^\n]+\n\n$/);
});

test("a stranger's names command no terminal", async () => {
  const socket = new Reply();
  onTestFinished(() => socket.close());
  await socket.bind("tcp://127.0.0.1:*");
  const name = "\x1b[2Jevil\nENDPOINT";
  const counts = { codes: { "\x1b[31m": 2 }, latency: { buckets: [2], sumMs: 1 }, inFlight: 0 };
  const told = { uptimeMs: 1000, latencyBoundsMs: [1], endpoints: { [name]: counts }, handlers: {} };
  void (async () => {
    for await (const _ of socket) await socket.send(["ZEP1 ok", "json", "", JSON.stringify(told)]);
  })().catch(() => undefined);
  const { code, stdout } = await run(["top", socket.lastEndpoint ?? "", "--count", "1"]);
  expect(code).toBe(0);
  expect(stdout).not.toContain("\x1b");
  expect(stdout).toContain("\n\\x1b[2Jevil\\x0aENDPOINT ");
});

/** The only one that a process has. */
function childOf(pid = 0): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}

const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/** `zmqecho ARGS…` on a terminal of its own, by script(1). What is written to it is typed. */
function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}, shell?: string): Started {
  const words = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qec", `stty cols 60 rows 12; ${shell ?? `exec ${words}`}`, "/dev/null"], {
    env: { ...process.env, SHELL: "/bin/sh", TERM: "xterm", ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let shown = "";
  child.stdout.on("data", (chunk: Buffer) => {
    shown += chunk.toString();
  });
  const finished = new Promise<Awaited<Started["finished"]>>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout: shown, stderr: "", bytes: Buffer.from(shown) }),
    );
  });
  return { child, finished, output: { stdout: () => shown, stderr: () => "" } };
}

test("on a terminal it fits the window, sorts at a key, and gives the terminal back at q", async () => {
  const handlers = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`h${index}`, () => 1]));
  const host = await startHost(NAMED, handlers);
  await ask(host, "h7", 3);
  const looking = onTerminal(["top", addressOf(host, "all"), "--interval", "300"]);
  await printed(looking, "by requests");
  await printed(looking, /… and \d+ more/);
  looking.child.stdin.write("n");
  await printed(looking, "by name");
  looking.child.stdin.write("q");
  const { code, stdout } = await looking.finished;
  expect(code).toBe(0);
  expect(stdout.startsWith(ENTER)).toBe(true);
  expect(stdout.endsWith(LEAVE)).toBe(true);
  const frames = stdout.slice(0, -LEAVE.length).split("\x1b[H").slice(1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal is told.
  const lines = frames.map((frame) => frame.replace(/\x1b\[[?\d;]*[A-Za-z]/g, "").split(/\r+\n/));
  expect(Math.max(...lines.map((all) => all.length))).toBeLessThanOrEqual(12);
  expect(Math.max(...lines.flat().map((line) => line.length))).toBeLessThanOrEqual(60);
});

test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("on a terminal %s gives it back, too", async (name) => {
  const host = await startHost(NAMED);
  const looking = onTerminal(["top", addressOf(host, "all"), "--interval", "300"]);
  await printed(looking, "HANDLER");
  const pid = childOf(looking.child.pid);
  process.kill(pid, name);
  const { code, stdout } = await looking.finished;
  expect([code, stdout.endsWith(LEAVE)]).toEqual([0, true]);
});

test("on a terminal an end that nobody meant gives it back, too", async () => {
  const host = await startHost(NAMED);
  const bug = "--import data:text/javascript,setTimeout(()=>{throw\\x20new\\x20Error('bug')},800)";
  const looking = onTerminal(["top", addressOf(host, "all"), "--interval", "300"], {
    NODE_OPTIONS: bug.replaceAll("\\x20", "%20"),
  });
  const { code, stdout } = await looking.finished;
  expect(code).toBe(1);
  expect(stdout).toContain("ENDPOINT");
  expect(stdout.indexOf(LEAVE)).toBeGreaterThan(stdout.lastIndexOf(ENTER));
  expect(stdout.lastIndexOf("ENDPOINT")).toBeLessThan(stdout.indexOf(LEAVE));
});

test("a window of another size is filled anew at once, and Ctrl-C ends it", async () => {
  const host = await startHost(NAMED);
  const looking = onTerminal(["top", addressOf(host, "all"), "--interval", "60000"]);
  await printed(looking, "HANDLER");
  const tty = readlinkSync(`/proc/${childOf(looking.child.pid)}/fd/0`);
  execFileSync("stty", ["-F", tty, "cols", "90"]);
  await printed(looking, "DROPPED");
  looking.child.stdin.write("\x03");
  expect(await looking.finished).toMatchObject({ code: 0, stdout: expect.stringMatching(/\?1049l$/) });
});

test("Ctrl-Z gives the terminal to the shell, and fg takes it again", async () => {
  const host = await startHost(NAMED);
  // A shell with job control: without one the kernel stops nobody whom nobody could wake.
  const shell = `set -m; ${process.execPath} ${BIN} top ${addressOf(host, "all")} --interval 300; echo STOPPED; fg`;
  const looking = onTerminal([], {}, shell);
  await printed(looking, "HANDLER");
  looking.child.stdin.write("\x1a");
  await printed(looking, "STOPPED");
  const [stopped = ""] = looking.output.stdout().split("STOPPED");
  expect(stopped.lastIndexOf(LEAVE)).toBeGreaterThan(stopped.lastIndexOf(ENTER));
  await expect.poll(() => looking.output.stdout().slice(stopped.length)).toContain(ENTER);
  looking.child.stdin.write("q");
  expect((await looking.finished).stdout.trimEnd().endsWith(LEAVE)).toBe(true);
});

test("NO_COLOR leaves out colors and nothing else", async () => {
  const host = await startHost(NAMED, { fails });
  await ask(host, "fails", 1);
  const looking = onTerminal(["top", addressOf(host, "all")], { NO_COLOR: "1" });
  await printed(looking, "HANDLER");
  looking.child.stdin.write("q");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a terminal is told.
  expect((await looking.finished).stdout).not.toMatch(/\x1b\[\d*m/);
});

test("on a terminal that can't draw it prints blocks", async () => {
  const host = await startHost(NAMED);
  const looking = onTerminal(["top", addressOf(host, "all"), "--count", "1"], { TERM: "dumb" });
  const { code, stdout } = await looking.finished;
  expect(code).toBe(0);
  expect(stdout).toContain("ENDPOINT");
  expect(stdout).not.toContain("\x1b");
});
