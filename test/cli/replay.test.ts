import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Reply } from "zeromq";
import { ZmqEchoError } from "../../src/errors.ts";
import type { HandlerFunction } from "../../src/handler.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run } from "../processes.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

interface Asked {
  readonly ask: string | readonly string[];
  /** Absent: it was not answered. */
  readonly reply?: string | readonly string[];
  readonly atMs?: number;
  /** As a host keeps it with a request that failed. */
  readonly failed?: object;
}

/** A folder with `r.jsonl`, as tap writes it. */
function recorded(asked: readonly Asked[], header: object = {}): string {
  const frames = (texts: string | readonly string[]) => [texts].flat().map(base64);
  const first = { zmqecho: "recording", version: 1, target: "tcp://127.0.0.1:1", codec: "json", zep: false, ...header };
  const entries = asked.map(({ ask, reply, atMs = 0, failed }, index) => ({
    n: index + 1,
    atMs,
    request: frames(ask),
    ...(reply !== undefined && { reply: frames(reply), latencyMs: 1 }),
    ...failed,
  }));
  return folderWith({ "r.jsonl": [first, ...entries].map((line) => `${JSON.stringify(line)}\n`).join("") });
}

async function served(handler: HandlerFunction, codec = "json"): Promise<string> {
  return addressOf(
    await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "it", codec } } }, { it: handler }),
    "e",
  );
}

test("equal replies are exit 0, and the address is the recorded one", async () => {
  const cwd = recorded(
    [
      { ask: "1", reply: "1" },
      { ask: '"two"', reply: '"two"' },
    ],
    { target: await served((x) => x) },
  );
  expect(await run(["replay", "r.jsonl"], { cwd })).toMatchObject({
    code: 0,
    stdout: "2 requests: 2 equal, 0 different, 0 failed\n",
    stderr: "",
  });
});

test("each difference is a line with its path, and exit 1", async () => {
  const cwd = recorded([
    { ask: "1", reply: '{"sum":1,"list":[1,{"x":true}],"old":0}' },
    { ask: "2", reply: '{"sum":3,"list":[1,{"x":false}],"new":"text"}' },
  ]);
  const address = await served(() => ({ sum: 3, list: [1, { x: false }], new: "text" }));
  const { code, stdout } = await run(["replay", "r.jsonl", address], { cwd });
  expect(code).toBe(1);
  expect(stdout.split("\n").slice(0, -1)).toEqual([
    "#1: $.sum: was 1, is 3",
    "#1: $.list[1].x: was true, is false",
    "#1: $.old: was 0, is not there",
    '#1: $.new: was not there, is "text"',
    "2 requests: 1 equal, 1 different, 0 failed",
  ]);
});

test("-o json gives each request that differs as a document, then the counts", async () => {
  const cwd = recorded([{ ask: "1", reply: "[1]" }]);
  const { stdout } = await run(["replay", "r.jsonl", await served(() => [2]), "-o", "json"], { cwd });
  expect(
    stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { n: 1, atMs: 0, differences: [{ path: "$[0]", was: 1, is: 2 }] },
    { summary: { requests: 1, equal: 0, differs: 1, failed: 0, unanswered: 0 } },
  ]);
});

test("--ignore leaves paths out, with all that is in them", async () => {
  const cwd = recorded([{ ask: "1", reply: '{"at":"then","items":[{"id":1,"n":5},{"id":2,"n":5}]}' }]);
  const address = await served(() => ({
    at: { now: true },
    items: [
      { id: 8, n: 5 },
      { id: 9, n: 5 },
    ],
  }));
  const args = ["replay", "r.jsonl", address, "--ignore", "$.items[*].id"];
  expect((await run(args, { cwd })).code).toBe(1);
  expect((await run([...args, "--ignore", "at"], { cwd })).code).toBe(0);
});

test("a value that is written in another way is equal, unless the codec is raw", async () => {
  const cwd = recorded([{ ask: "1", reply: '{ "b":2, "a":1 }' }]);
  const address = await served(() => ({ a: 1, b: 2 }));
  expect((await run(["replay", "r.jsonl", address], { cwd })).code).toBe(0);
  const { code, stdout } = await run(["replay", "r.jsonl", address, "--codec", "raw"], { cwd });
  expect({ code, stdout }).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('#1: $: was { "b":2, "a":1 }, is {"a":1,"b":2}\n'),
  });
});

test("errors are replies too, whatever their request id", async () => {
  const cwd = recorded([
    { ask: "1", reply: 'ZEP1 aborted\nno\n{"requestId":"a","left":3}' },
    { ask: "2", reply: 'ZEP1 aborted\nno\n{"requestId":"b","left":4}' },
  ]);
  const address = await served(() => {
    throw new ZmqEchoError("aborted", "no", { details: { left: 3 } });
  });
  const { code, stdout } = await run(["replay", "r.jsonl", address], { cwd });
  expect(code).toBe(1);
  expect(stdout).toBe("#2: $.details.left: was 4, is 3\n2 requests: 1 equal, 1 different, 0 failed\n");
});

test("ZEP/1 is compared by what it says", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["echo"] } } });
  const call = (handler: string) => ["ZEP1 call", handler, "json", "", "[1]"];
  const message = 'handler "no" is not served here; did you mean "echo"?';
  const cwd = recorded(
    [
      { ask: call("echo"), reply: ["ZEP1 ok", "json", "", "[ 1 ]"] },
      { ask: call("echo"), reply: ["ZEP1 ok", "json", "", "[2]"] },
      { ask: call("no"), reply: ["ZEP1 not_found", message, '{"requestId":"a"}'] },
    ],
    { codec: "raw", zep: true },
  );
  const { stdout } = await run(["replay", "r.jsonl", addressOf(host, "e"), "--ignore", "$.message"], { cwd });
  expect(stdout).toBe("#2: $[0]: was 2, is 1\n3 requests: 2 equal, 1 different, 0 failed\n");
});

test("requests that had failed are well whatever they are answered with, and those that still fail are exit 64 + the number", async () => {
  const failed = { code: "internal", message: "the handler failed", endpoint: "e", handler: "it" };
  const cwd = recorded(
    ["1", "2", "3"].map((ask) => ({ ask, reply: "ZEP1 internal\nthe handler failed\n{}", failed })),
    { codec: "json" },
  );
  const address = await served((input) => {
    if (input === 1) return { sum: 1 };
    throw input === 2 ? new Error("as before") : new ZmqEchoError("aborted", "no");
  });
  const { code, stdout } = await run(["replay", "r.jsonl", address, "--fast"], { cwd });
  expect(stdout.split("\n").slice(0, -1)).toEqual([
    '#1 it: was internal: the handler failed; is {"sum":1}',
    expect.stringMatching(
      /^#2 it: still internal: the handler failed; the host's log has the cause \{"requestId":"[^"]+"\}$/,
    ),
    expect.stringMatching(/^#3 it: was internal, failed: aborted: no \{"requestId":"[^"]+"\}$/),
    "3 requests that had failed: 1 answered now, 2 failed",
  ]);
  expect(code).toBe(77);
  const { stdout: documents } = await run(["replay", "r.jsonl", address, "--fast", "-o", "json"], { cwd });
  expect(
    documents
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { n: 1, handler: "it", was: { code: "internal" }, is: { sum: 1 } },
    { n: 2, was: { code: "internal" }, failed: { code: "internal" } },
    { n: 3, was: { code: "internal" }, failed: { code: "aborted", message: "no" } },
    { summary: { requests: 3, answered: 1, failed: 2 } },
  ]);
});

test("requests that had failed since nothing answered for them are all sent again", async () => {
  const failed = { code: "unavailable", message: "it does not load", endpoint: "e", handler: "it" };
  const asked = ["1", "2"].map((ask) => ({ ask, reply: "ZEP1 unavailable\nit does not load\n{}", failed }));
  const address = await served((input) => {
    if (input === 1) throw new ZmqEchoError("unavailable", "not yet");
    return input;
  });
  const { code, stdout } = await run(["replay", "r.jsonl", address, "--fast"], { cwd: recorded(asked) });
  expect(stdout).toContain("2 requests that had failed: 1 answered now, 1 failed\n");
  expect(code).toBe(78);
});

test("a request that had failed is not answered by what can't be read, as that of a server of another kind", async () => {
  const failed = { code: "internal", message: "the handler failed", endpoint: "e", handler: "it" };
  const cwd = recorded([{ ask: "1", reply: "ZEP1 internal\nthe handler failed\n{}", failed }]);
  const named = addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } }), "e");
  const { code, stdout } = await run(["replay", "r.jsonl", named, "--fast"], { cwd });
  expect(stdout).toMatch(/^#1 it: still internal: the reply can't be read: /);
  expect(stdout).toContain("1 request that had failed: 0 answered now, 1 failed\n");
  expect(code).toBe(77);
});

test("a reply in a codec that is not known here is an answer, to one that had failed", async () => {
  const failed = { code: "internal", message: "the handler failed", endpoint: "e", handler: "it" };
  const error = ["ZEP1 internal", "the handler failed", "{}"];
  const cwd = recorded([{ ask: ["ZEP1 call", "it", "own", "", "1"], reply: error, failed }], {
    codec: "raw",
    zep: true,
  });
  const socket = new Reply();
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  void (async () => {
    for await (const _ of socket) await socket.send(["ZEP1 ok", "own", "", "1"]);
  })().catch(() => undefined);
  const { code, stdout } = await run(["replay", "r.jsonl", socket.lastEndpoint ?? "", "--fast"], { cwd });
  expect(stdout).toContain("1 request that had failed: 1 answered now, 0 failed\n");
  expect(code).toBe(0);
});

test("a call that fails is exit 64 + its number", async () => {
  const cwd = recorded([{ ask: "1", reply: "1" }], { target: await deadAddress() });
  const { code, stdout } = await run(["replay", "r.jsonl"], { cwd });
  expect(code).toBe(78);
  expect(stdout).toMatch(/^#1: failed: unavailable: .*refused.*\n1 request: 0 equal, 0 different, 1 failed\n$/);
});

test("a reply that does not come within -t is exit 68", async () => {
  const server = new Reply({ linger: 0 });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  const cwd = recorded([{ ask: "1", reply: "1" }], { target: server.lastEndpoint });
  expect((await run(["replay", "r.jsonl", "-t", "100"], { cwd })).code).toBe(68);
});

test("requests that were not answered are not sent", async () => {
  const cwd = recorded([{ ask: "1" }, { ask: "2", reply: "2" }], { target: await served((x) => x) });
  expect(await run(["replay", "r.jsonl"], { cwd })).toMatchObject({
    code: 0,
    stdout: "1 request: 1 equal, 0 different, 0 failed, 1 without a recorded reply not sent\n",
  });
});

test("the pauses are kept, divided by --speed, and left out by --fast", async () => {
  const seen: number[] = [];
  const target = await served((x) => {
    seen.push(performance.now());
    return x;
  });
  const cwd = recorded(
    [
      { ask: "2", reply: "2", atMs: 1600 },
      { ask: "1", reply: "1", atMs: 1000 },
    ],
    { target },
  );
  const between = async (...flags: string[]) => {
    seen.length = 0;
    expect((await run(["replay", "r.jsonl", ...flags], { cwd })).code).toBe(0);
    const [first = 0, second = 0] = seen;
    return second - first;
  };
  expect(await between()).toBeGreaterThan(500);
  const faster = await between("--speed", "2");
  expect(faster).toBeGreaterThan(200);
  expect(await between("--fast")).toBeLessThan(200);
});

test.each([
  ["nothing", "", "the file is empty"],
  ["another kind of file", "{}\n", ':1:1: a recording begins with a line {"zmqecho":"recording",…}'],
  ["a newer version", '{"zmqecho":"recording","version":9}\n', ":1:1: version 9 can't be read here; 1 can"],
])("a file with %s is exit 2, with its place", async (_, content, message) => {
  const cwd = folderWith({ "r.jsonl": content });
  const { code, stderr } = await run(["replay", "r.jsonl"], { cwd });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  expect(stderr).toContain(`zmqecho: ${join(cwd, "r.jsonl")}:`);
});

test.each([
  ["that is cut off", '{"n":2,"at', "this line is no JSON"],
  [
    "with a frame that is no base64",
    '{"n":2,"atMs":1,"request":["?"]}',
    "request: a list of frames in base64 is expected",
  ],
  ["without its time", '{"n":2,"request":[""]}', "atMs: milliseconds are missing"],
])("a line %s is exit 2, with its number, before anything is sent", async (_, line, message) => {
  const cwd = recorded([{ ask: "1", reply: "1" }]);
  const content = `${readFileSync(join(cwd, "r.jsonl"), "utf8")}${line}\n`;
  const other = folderWith({ "r.jsonl": content });
  const { code, stdout, stderr } = await run(["replay", "r.jsonl"], { cwd: other });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`r.jsonl:3:1: ${message}`);
});

test.each([
  ["a file that is not there", ["nowhere.jsonl"], "can't be read"],
  ["--fast with a speed", ["r.jsonl", "--fast", "--speed", "2"], "--fast and --speed exclude each other"],
  ["a path that is none", ["r.jsonl", "--ignore", "a..b"], "--ignore a..b is no path of values, from character 2 on"],
])("%s is exit 2", async (_, args, message) => {
  const cwd = recorded([]);
  expect(await run(["replay", ...args], { cwd })).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});
