import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { curveKeyPair, Dealer, Reply, Request, Router } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { createRecordedAnswers } from "../../src/mock/recorded.ts";
import { loadRecording } from "../../src/recording/format.ts";
import { packBatch, packedSize } from "../../src/wire/batch.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";
import { run } from "../processes.ts";
import { tap } from "../taps.ts";

function dealer(address: string, options: { receiveHighWaterMark?: number; receiveTimeout?: number } = {}): Dealer {
  const socket = new Dealer({ linger: 0, receiveTimeout: 10_000, ...options });
  onTestFinished(() => socket.close());
  socket.connect(address);
  return socket;
}

function req(address: string): Request {
  const socket = new Request({ linger: 0, receiveTimeout: 10_000 });
  onTestFinished(() => socket.close());
  socket.connect(address);
  return socket;
}

async function ask(socket: Request, ...frames: (string | Buffer)[]): Promise<string[]> {
  await socket.send(frames);
  return (await socket.receive()).map(String);
}

/** A ROUTER that a test reads and writes itself. */
async function router(options: { mandatory?: boolean } = {}): Promise<{ socket: Router; address: string }> {
  const socket = new Router({ linger: 0, receiveTimeout: 10_000, ...options });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  return { socket, address: socket.lastEndpoint ?? "" };
}

async function host(codec = "json"): Promise<string> {
  return addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT, codec } } }), "e");
}

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
const lines = (text: string) => text.split("\n").filter(Boolean);
const latency = / {2}[\d.]+ ms$/gm;

test("shows each request and its reply, decoded, with the latency, and sums up at the end", async () => {
  const { address, stop } = await tap(await host(), ["--codec", "json"]);
  const socket = req(address);
  expect(await ask(socket, '{ "a": [1] }')).toEqual(['{"a":[1]}']);
  await ask(socket, "no");
  const { code, stdout, stderr } = await stop();
  expect(code).toBe(0);
  expect(stdout).toMatch(latency);
  expect(lines(stdout.replace(latency, ""))).toEqual([
    '-> #1 {"a":[1]}',
    '<- #1 {"a":[1]}',
    expect.stringMatching(/^-> #2 6e6f \(json can't decode this: .*\)$/),
    expect.stringMatching(/^<- #2 invalid_argument: json can't decode this: .*"requestId"/),
  ]);
  expect(stderr).toMatch(
    /^zmqecho: 2 requests, 2 replies, 0 unanswered, \d+ bytes, latency p50 [\d.]+ ms, p99 [\d.]+ ms$/m,
  );
});

test("envelopes of several hops and bodies of several frames pass untouched, both ways", async () => {
  const server = await router();
  const { address, stop } = await tap(server.address);
  const socket = dealer(address);
  await socket.send(["hop", BYTES, "", "one", "", BYTES]);
  const [id = "", ...rest] = await server.socket.receive();
  expect(rest).toEqual([Buffer.from("hop"), BYTES, Buffer.alloc(0), Buffer.from("one"), Buffer.alloc(0), BYTES]);
  await server.socket.send([id, "hop", BYTES, "", "", BYTES]);
  expect(await socket.receive()).toEqual([Buffer.from("hop"), BYTES, Buffer.alloc(0), Buffer.alloc(0), BYTES]);
  const { stdout } = await stop();
  expect(stdout).toContain("-> #1 (3 frames) one |  | (256 bytes) 0001");
  expect(stdout).toContain("<- #1 (2 frames)  | (256 bytes) 0001");
});

test("requests of a DEALER that are under way together keep their order, and find their replies in any", async () => {
  const server = await router();
  const { address, stop } = await tap(server.address, ["-o", "json"]);
  const socket = dealer(address);
  for (let id = 0; id < 500; id++) await socket.send([String(id), "", `ask ${id}`]);
  const received: Buffer[][] = [];
  for (let id = 0; id < 500; id++) received.push(await server.socket.receive());
  expect(received.map((frames) => String(frames.at(-1)))).toEqual(Array.from({ length: 500 }, (_, id) => `ask ${id}`));
  for (const frames of received.toReversed())
    await server.socket.send([...frames.slice(0, -1), `answer ${frames.at(-3)}`]);
  const replies: string[] = [];
  for (let id = 0; id < 500; id++) replies.push((await socket.receive()).map(String).join("|"));
  expect(replies).toEqual(Array.from({ length: 500 }, (_, id) => `${499 - id}||answer ${499 - id}`));
  const { stdout } = await stop();
  const shown = lines(stdout).map((line) => JSON.parse(line));
  expect(shown.map(({ request, reply }) => [request.value, reply.value])).toEqual(
    Array.from({ length: 500 }, (_, id) => [`ask ${499 - id}`, `answer ${499 - id}`]),
  );
});

test("a server that never replies costs a second at the end, and its requests are told of as unanswered", async () => {
  const server = await router();
  const { address, stop } = await tap(server.address);
  await req(address).send("anyone?");
  await server.socket.receive();
  const { code, stdout, stderr } = await stop();
  expect(code).toBe(0);
  expect(lines(stdout)).toEqual(["-> #1 anyone?", "<- #1 (no reply)"]);
  expect(stderr).toContain("1 request, 0 replies, 1 unanswered");
});

test("what is under way when the signal comes still gets its reply", async () => {
  const server = await router();
  const { address, child, finished } = await tap(server.address);
  const socket = req(address);
  await socket.send("late");
  const frames = await server.socket.receive();
  child.kill("SIGINT");
  await server.socket.send(frames);
  expect(String(await socket.receive())).toBe("late");
  expect(await finished).toMatchObject({ code: 0, stderr: expect.stringContaining("1 reply, 0 unanswered") });
});

test("of what busy clients send as it ends, each request that reached the server has its reply", async () => {
  const server = await router();
  let served = 0;
  const answers = async () => {
    for (;;) {
      const frames = await server.socket.receive();
      served++;
      await server.socket.send(frames);
    }
  };
  answers().catch(() => undefined);
  const { address, stop } = await tap(server.address, ["-q"]);
  let answered = 0;
  let enough: () => void = () => {};
  const busy = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const goOn = async (socket: Request) => {
    for (;;) {
      await ask(socket, "x");
      answered++;
      if (answered === 500) enough();
    }
  };
  for (let client = 0; client < 10; client++) goOn(req(address)).catch(() => undefined);
  await busy;
  const { stderr } = await stop();
  expect(stderr).toContain(`${served} requests, ${served} replies, 0 unanswered`);
  await expect.poll(() => answered).toBe(served);
});

test("messages without an envelope, and what is no ZeroMQ, do not end it", async () => {
  const target = await host("raw");
  const { address, stop } = await tap(target);
  await fetch(address.replace("tcp:", "http:")).catch(() => undefined);
  const stranger = dealer(address);
  await stranger.send("no envelope");
  await stranger.send(["", "well"]);
  expect((await stranger.receive()).map(String)).toEqual(["", "well"]);
  expect(await stop()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^-> #\d no envelope$/m) });
});

test("requests wait for a target that is not there yet", async () => {
  const server = new Reply({ linger: 0 });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  const place = server.lastEndpoint ?? "";
  await server.unbind(place);
  const { address, said } = await tap(place);
  const socket = req(address);
  const answer = ask(socket, "hello");
  await said(`nobody is at ${place}; requests wait for it`);
  const back = new Reply({ linger: 0 });
  onTestFinished(() => back.close());
  await back.bind(place);
  await back.send(await back.receive());
  expect(await answer).toEqual(["hello"]);
  await said(`${place} is there`);
});

test("--zep shows handler, codec and code", async () => {
  const target = addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["echo"] } } }), "e");
  const { address, stop } = await tap(target, ["--zep"]);
  const socket = req(address);
  await ask(socket, "ZEP1 call", "echo", "json", "", "[1]");
  await ask(socket, "ZEP1 call", "ehco", "json", "", "[1]");
  await ask(socket, "ZEP1 ping");
  await ask(socket, "what");
  const { stdout } = await stop();
  expect(lines(stdout.replace(latency, ""))).toEqual([
    "-> #1 echo (json) [1]",
    "<- #1 ok (json) [1]",
    "-> #2 ehco (json) [1]",
    expect.stringMatching(/^<- #2 not_found: /),
    "-> #3 (ping)",
    '<- #3 ok (json) {"protocol":"ZEP1","endpoint":"e"}',
    expect.stringMatching(/^-> #4 77686174 \(the first frame is not "ZEP1 …"/),
    expect.stringMatching(/^<- #4 invalid_argument: /),
  ]);
});

/** What passes on between ROUTER and DEALER, and the verbs that it has seen. */
async function proxy(target: string): Promise<{ address: string; verbs: string[] }> {
  const { socket: front, address } = await router();
  const back = dealer(target, { receiveTimeout: -1 });
  const verbs: string[] = [];
  void (async () => {
    for await (const frames of front) {
      verbs.push(String(frames[frames.findIndex((frame, index) => index > 0 && frame.length === 0) + 1]));
      await back.send(frames);
    }
  })().catch(() => undefined);
  void (async () => {
    for await (const frames of back) await front.send(frames);
  })().catch(() => undefined);
  return { address, verbs };
}

/** `ZEP1 batch` and what follows it, for calls with the numbers from 1. */
function batch(...calls: readonly string[][]): (string | Buffer)[] {
  const items = calls.map((texts, index) => ({ id: index + 1, frames: texts.map((text) => Buffer.from(text)) }));
  return [
    "ZEP1 batch",
    packBatch(
      items,
      items.reduce((bytes, { frames }) => bytes + packedSize(frames), 0),
    ),
  ];
}

const recordingIn = (cwd: string) =>
  lines(readFileSync(join(cwd, "r.jsonl"), "utf8"))
    .slice(1)
    .map((line) => JSON.parse(line));
const inBase64 = (...frames: (string | Buffer)[]) => frames.map((frame) => Buffer.from(frame).toString("base64"));

test("calls that travel in one message are shown and recorded each by itself, for replays and mocks that know of none", async () => {
  const reply = (n: unknown) => (Number(n) % 10 === 0 ? "large".repeat(2000) : `reply ${n}`);
  const served = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["it"], concurrency: 16 } } },
    {
      async it(n) {
        if (n === 13) throw new ZmqEchoError("out_of_range", "not this one");
        if (Number(n) % 3 === 0) await new Promise(setImmediate);
        return reply(n);
      },
    },
  );
  const target = addressOf(served, "e");
  const { address: between, verbs } = await proxy(target);
  const cwd = folderWith({});
  const { address, stop } = await tap(between, ["--zep", "-o", "json", "--record", "r.jsonl"], { cwd });
  const client = createClient({ connect: address, codec: "json" });
  onTestFinished(() => client.close());
  const callAll = (numbers: readonly number[]) => Promise.allSettled(numbers.map((n) => client.call("it", n)));
  // It asks whether there are batches beside the first calls that come together.
  await callAll([1, 2]);
  await callAll([3, 4]);
  verbs.length = 0;
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  const results = await callAll(numbers);
  expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1);
  expect(new Set(verbs)).toEqual(new Set(["ZEP1 batch"]));
  expect(verbs.length).toBeLessThan(5);

  const { stdout, stderr } = await stop();
  expect(stderr).toContain("zmqecho: 55 requests, 55 replies, 0 unanswered");
  const shown = lines(stdout).map((line) => JSON.parse(line));
  const question = shown.filter((exchange) => exchange.request.verb === "batch");
  expect(question).toMatchObject([{ reply: { value: { maxCalls: 256 } } }]);
  const last = shown.filter(({ n }) => n > 5).sort((one, other) => one.n - other.n);
  expect(last).toEqual(
    numbers.map((value) => ({
      n: value + 6,
      atMs: expect.any(Number),
      request: { handler: "it", codec: "json", metadata: { "timeout-ms": expect.any(String) }, value },
      reply:
        value === 13
          ? expect.objectContaining({ code: "out_of_range", message: "not this one" })
          : { code: "ok", codec: "json", metadata: {}, value: reply(value) },
      latencyMs: expect.any(Number),
    })),
  );

  const entries = recordingIn(cwd);
  expect(entries).toHaveLength(55);
  expect(new Set(entries.map(({ request }) => request[0]))).toEqual(new Set(inBase64("ZEP1 call", "ZEP1 batch")));
  expect(await run(["replay", "r.jsonl", target], { cwd })).toMatchObject({
    code: 0,
    stdout: "55 requests: 55 equal, 0 different, 0 failed\n",
  });
  const mock = await createRecordedAnswers(await loadRecording(join(cwd, "r.jsonl")));
  expect(numbers.filter((n) => n !== 13).map((n) => mock.answer(n, "it", "json")?.value)).toEqual(
    numbers.filter((n) => n !== 13).map(reply),
  );
  expect(() => mock.answer(13, "it", "json")).toThrow("not this one");
});

test("--filter takes one call of a batch and leaves the others", async () => {
  const target = addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["echo"] } } }), "e");
  const { address, stop } = await tap(target, ["--zep", "--filter", "needle"]);
  const socket = dealer(address);
  const calls = ["hay", "needle", "straw"].map((text) => ["ZEP1 call", "echo", "json", "", JSON.stringify(text)]);
  await socket.send(["B", "", ...batch(...calls)]);
  expect(String((await socket.receive())[2])).toBe("ZEP1 batch");
  expect(lines((await stop()).stdout.replace(latency, ""))).toEqual([
    '-> #2 echo (json) "needle"',
    '<- #2 ok (json) "needle"',
  ]);
});

test("the answer to a batch as a whole is told once, and the recording has what was sent", async () => {
  const server = await router();
  const cwd = folderWith({});
  const { address, stop } = await tap(server.address, ["--zep", "--record", "r.jsonl"], { cwd });
  const socket = dealer(address);
  const frames = batch(["ZEP1 call", "echo", "json", "", "1"], ["ZEP1 ping"]);
  await socket.send(["B", "", ...frames]);
  const envelope = (await server.socket.receive()).slice(0, 3);
  const refusal = ["ZEP1 unimplemented", 'verb "batch" is not served here', "{}"];
  await server.socket.send([...envelope, ...refusal]);
  await socket.receive();
  const { stdout, stderr } = await stop();
  expect(lines(stdout.replace(latency, ""))).toEqual([
    "-> #1 echo (json) 1",
    "-> #2 (ping)",
    '<- #1 (to all of #1 to #2) unimplemented: verb "batch" is not served here',
  ]);
  expect(stderr).toContain("2 requests, 1 reply, 0 unanswered");
  expect(recordingIn(cwd)).toMatchObject([{ n: 1, request: inBase64(...frames), reply: inBase64(...refusal) }]);
});

test("a batch that can't be read, and one that nobody answers, cost nothing but their lines", async () => {
  const server = await router();
  const { address, stop } = await tap(server.address, ["--zep"]);
  const socket = dealer(address);
  await socket.send(["B", "", "ZEP1 batch", "no batch"]);
  await socket.send(["C", "", ...batch(["ZEP1 ping"], ["ZEP1 stats"])]);
  await server.socket.receive();
  await server.socket.receive();
  const { code, stdout } = await stop();
  expect(code).toBe(0);
  expect(lines(stdout)).toEqual([
    expect.stringMatching(/^-> #1 5a455031206261746368 \| 6e6f206261746368 \(the batch can't be read: .*\)$/),
    "-> #2 (ping)",
    "-> #3 (stats)",
    "<- #1 (no reply)",
    "<- #2 (no reply)",
    "<- #3 (no reply)",
  ]);
});

test("what reads as a batch to a plain endpoint is recorded as the one message that it was", async () => {
  const target = await host("raw");
  const cwd = folderWith({});
  const { address, stop } = await tap(target, ["-q", "--record", "r.jsonl"], { cwd });
  const frames = batch(["ZEP1 call", "a"], ["ZEP1 call", "b"]);
  expect((await ask(req(address), ...frames))[0]).toBe("ZEP1 batch");
  const { stderr } = await stop();
  expect(stderr).toContain("1 reply, 0 unanswered");
  expect(recordingIn(cwd)).toMatchObject([{ n: 1, request: inBase64(...frames), reply: inBase64(...frames) }]);
  expect(await run(["replay", "r.jsonl"], { cwd })).toMatchObject({ code: 0 });
});

test("TARGET may be an endpoint of the configuration, with its codec", async () => {
  const config = { endpoints: { orders: { bind: await host(), codec: "json" } } };
  const cwd = folderWith({ "zmqecho.config.json": JSON.stringify(config) });
  const { address, stop } = await tap("orders", [], { cwd });
  await ask(req(address), '{ "a" :1}');
  expect((await stop()).stdout).toContain('-> #1 {"a":1}\n');
});

test("--filter shows and records those whose request or reply has the text, whole", async () => {
  const server = new Reply({ linger: 0 });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  const answers = async () => {
    for await (const [frame = Buffer.alloc(0)] of server) await server.send(String(frame).replace("b", "needle"));
  };
  void answers();
  const cwd = folderWith({});
  const { address, stop } = await tap(server.lastEndpoint ?? "", ["--filter", "needle", "--record", "r.jsonl"], {
    cwd,
  });
  const socket = req(address);
  for (const text of ["needle", "a", "b"]) await ask(socket, text);
  const { stdout } = await stop();
  expect(lines(stdout.replace(latency, ""))).toEqual(["-> #1 needle", "<- #1 needle", "-> #3 b", "<- #3 needle"]);
  const recorded = lines(readFileSync(join(cwd, "r.jsonl"), "utf8")).slice(1);
  expect(recorded.map((line) => JSON.parse(line).n)).toEqual([1, 3]);
});

test("the recording has every frame as it was, and is complete after SIGTERM", async () => {
  const cwd = folderWith({});
  const target = await host("raw");
  const { address, stop } = await tap(target, ["-q", "--record", "r.jsonl"], { cwd });
  const socket = req(address);
  for (let round = 0; round < 200; round++) await ask(socket, BYTES, "", String(round));
  expect(await stop()).toMatchObject({ code: 0, stdout: "" });
  const [header, ...entries] = lines(readFileSync(join(cwd, "r.jsonl"), "utf8")).map((line) => JSON.parse(line));
  expect(header).toMatchObject({ zmqecho: "recording", version: 1, target, codec: "raw", zep: false });
  expect(entries).toHaveLength(200);
  const frames = [BYTES.toString("base64"), "", Buffer.from("199").toString("base64")];
  const numbers = { atMs: expect.any(Number), latencyMs: expect.any(Number) };
  expect(entries.at(-1)).toEqual({ n: 200, request: frames, reply: frames, ...numbers });
});

test("a recording that is there is not overwritten", async () => {
  const cwd = folderWith({ "r.jsonl": "mine" });
  const { code, stderr } = await run(["tap", ANY_PORT, await host(), "--record", "r.jsonl"], { cwd });
  expect({ code, stderr }).toMatchObject({ code: 70, stderr: expect.stringContaining("r.jsonl is there already") });
  expect(readFileSync(join(cwd, "r.jsonl"), "utf8")).toBe("mine");
});

test("a disk that is full is told of once, the traffic goes on, and the exit code says so", async () => {
  const { address, stop } = await tap(await host("raw"), ["--record", "/dev/full"]);
  const socket = req(address);
  for (const text of ["a", "b", "c"]) expect(await ask(socket, text)).toEqual([text]);
  const { code, stderr } = await stop();
  expect(code).toBe(1);
  expect(stderr.match(/\/dev\/full can't be written/g)).toHaveLength(1);
});

test("a reader that does not read holds nothing up", async () => {
  const { address, child, stop } = await tap(await host("raw"));
  child.stdout.pause();
  const socket = req(address);
  const large = "x".repeat(1900);
  // More than a pipe and both its ends hold.
  for (let round = 0; round < 400; round++) expect(await ask(socket, large)).toEqual([large]);
  child.stdout.resume();
  const { code, stdout } = await stop();
  expect({ code, lines: lines(stdout).length }).toEqual({ code: 0, lines: 800 });
});

test("a reader that has gone ends it as it ends send, with the recording complete", async () => {
  const cwd = folderWith({});
  const { address, child, finished } = await tap(await host("raw"), ["--record", "r.jsonl"], { cwd });
  child.stdout.destroy();
  const socket = req(address);
  await ask(socket, "one");
  expect(await finished).toMatchObject({ code: 141 });
  expect(lines(readFileSync(join(cwd, "r.jsonl"), "utf8"))).toHaveLength(2);
});

test("a client that takes no replies holds up nobody else, and loses none of them", async () => {
  const server = await router({ mandatory: true });
  const { address, stop } = await tap(server.address, ["-q"]);
  const rude = dealer(address, { receiveHighWaterMark: 1 });
  await rude.send(["", "all of it"]);
  const [id = ""] = await server.socket.receive();
  // More than the system's buffers on the way hold.
  for (let count = 0; count < 600; count++) await server.socket.send([id, "", Buffer.alloc(100_000)]);
  const polite = req(address);
  await polite.send("and me?");
  await server.socket.send(await server.socket.receive());
  expect((await polite.receive()).map(String)).toEqual(["and me?"]);
  for (let count = 0; count < 600; count++) expect((await rude.receive()).at(-1)).toHaveLength(100_000);
  expect((await stop()).stderr).toMatch(/^zmqecho: 2 requests, 601 replies, .* 599 replies without a request$/m);
});

test("a client that leaves takes its requests with it, and the others go on", async () => {
  const server = await router();
  const { address, stop, shown } = await tap(server.address);
  const leaving = req(address);
  await leaving.send("bye");
  await server.socket.receive();
  leaving.close();
  await shown("<- #1 (no reply)");
  const staying = req(address);
  const answer = ask(staying, "still here");
  await server.socket.send(await server.socket.receive());
  expect(await answer).toEqual(["still here"]);
  expect((await stop()).stderr).toContain("2 requests, 1 reply, 1 unanswered");
});

test("what is larger than --max-message-bytes passes untouched, and is told of by its size", async () => {
  const cwd = folderWith({});
  const server = new Reply({ linger: 0 });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  const answers = async () => {
    for await (const frames of server) await server.send(frames);
  };
  void answers();
  const { address, stop } = await tap(
    server.lastEndpoint ?? "",
    ["--max-message-bytes", "1000", "--record", "r.jsonl"],
    {
      cwd,
    },
  );
  const large = Buffer.alloc(5_000_000, BYTES);
  const socket = req(address);
  await socket.send(large);
  const [reply] = await socket.receive();
  expect(large.equals(reply ?? Buffer.alloc(0))).toBe(true);
  await ask(socket, "small");
  const { stdout, stderr } = await stop();
  expect(lines(stdout.replace(latency, ""))).toEqual([
    "-> #1 (5000000 bytes, too large to show)",
    "<- #1 (5000000 bytes, too large to show)",
    "-> #2 small",
    "<- #2 small",
  ]);
  expect(stderr).toContain("2 messages too large to show");
  const recorded = lines(readFileSync(join(cwd, "r.jsonl"), "utf8")).slice(1);
  expect(recorded.map((line) => JSON.parse(line).n)).toEqual([2]);
});

test("with CURVE everything passes, and it is said once that it can't be read", async () => {
  const keys = curveKeyPair();
  const server = new Reply({ linger: 0, curveServer: true, curveSecretKey: keys.secretKey });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  const answers = async () => {
    for await (const frames of server) await server.send(frames);
  };
  void answers();
  const { address, stop } = await tap(server.lastEndpoint ?? "");
  for (const text of ["one", "two"]) {
    const own = curveKeyPair();
    const socket = new Request({
      linger: 0,
      receiveTimeout: 10_000,
      curveServerKey: keys.publicKey,
      curvePublicKey: own.publicKey,
      curveSecretKey: own.secretKey,
    });
    onTestFinished(() => socket.close());
    socket.connect(address);
    expect(await ask(socket, text)).toEqual([text]);
  }
  const { code, stdout, stderr } = await stop();
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr.match(/CURVE hides what is said/g)).toHaveLength(1);
  expect(stderr).toContain("0 requests, 0 replies, 0 unanswered, 0 bytes, 2 connections not read");
});

test("with PLAIN it shows the messages, and not the password", async () => {
  // libzmq asks this socket about each password (RFC 27, https://rfc.zeromq.org/spec/27/).
  const judge = new Reply({ linger: 0 });
  onTestFinished(() => judge.close());
  await judge.bind("inproc://zeromq.zap.01");
  const server = new Reply({ linger: 0, plainServer: true, zapDomain: "test" });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  const { address, stop } = await tap(server.lastEndpoint ?? "");
  const socket = new Request({ linger: 0, receiveTimeout: 10_000, plainUsername: "ada", plainPassword: "secret" });
  onTestFinished(() => socket.close());
  socket.connect(address);
  const answer = ask(socket, "open");
  const [version = "", id = ""] = await judge.receive();
  await judge.send([version, id, "200", "OK", "ada", ""]);
  await server.send(await server.receive());
  expect(await answer).toEqual(["open"]);
  expect(lines((await stop()).stdout.replace(latency, ""))).toEqual(["-> #1 open", "<- #1 open"]);
});

test("an ipc path is its own while it runs, for its owner alone, both as LISTEN and as TARGET", async () => {
  const cwd = folderWith({});
  const at = `ipc://${cwd}/tap`;
  const first = await tap(await host("raw"), ["-q"], { cwd }, at);
  const second = await tap(at, [], { cwd });
  expect(await ask(req(at), "one way")).toEqual(["one way"]);
  expect(await ask(req(second.address), "through both")).toEqual(["through both"]);
  expect(statSync(join(cwd, "tap")).mode & 0o777).toBe(0o700);
  const taken = await run(["tap", at, ANY_PORT.replace("*", "1")], { cwd });
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining("another process serves this socket") });
  expect((await second.stop()).stdout).toContain("-> #1 through both\n");
  first.child.kill("SIGKILL");
  await first.finished;
  const next = await tap(ANY_PORT.replace("*", "1"), [], { cwd }, at);
  await next.stop();
  expect(readdirSync(cwd)).toEqual(["package.json"]);
});

test("a second signal ends it at once", async () => {
  const server = await router();
  const { address, child, finished } = await tap(server.address);
  await req(address).send("anyone?");
  await server.socket.receive();
  child.kill("SIGINT");
  child.kill("SIGTERM");
  const { code } = await finished;
  // Of two that come together the system says which is first.
  expect([130, 143]).toContain(code);
});

test("an address that is taken is exit 1, and no file is made", async () => {
  const target = await host();
  const cwd = folderWith({});
  const { code, stderr } = await run(["tap", target, ANY_PORT.replace("*", "1"), "--record", "r.jsonl"], { cwd });
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(`can't bind ${target}`) });
  writeFileSync(join(cwd, "r.jsonl"), "", { flag: "wx" });
});

test.each([
  ["a target that is no address", [ANY_PORT, "nowhere"], 'there is no endpoint or target "nowhere"'],
  ["LISTEN that can't be bound by name", ["tcp://localhost:5555", "tcp://127.0.0.1:1"], "libzmq does not bind names"],
  ["an abstract name", ["ipc://@tap", "tcp://127.0.0.1:1"], "tap can't reach abstract names; use a path"],
  ["itself", ["tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555"], "it would pass on to itself"],
])("%s is exit 2", async (_, args, message) => {
  expect(await run(["tap", ...args])).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});
