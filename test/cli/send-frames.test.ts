import { describe, expect, onTestFinished, test } from "vitest";
import { Publisher, Router } from "zeromq";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run } from "../processes.ts";

/** A ROUTER that answers by what it got, the sender's id first; none if that is undefined. */
async function router(answer: (frames: Buffer[]) => (string | Uint8Array)[] | undefined) {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const got: Buffer[][] = [];
  void (async () => {
    for await (const frames of socket) {
      got.push(frames);
      const reply = answer(frames);
      if (reply !== undefined) await socket.send(reply);
    }
  })();
  return { address: socket.lastEndpoint ?? "", got };
}

const echo = (frames: Buffer[]) => frames;
const DEALER = ["--socket", "dealer"];

describe("--socket dealer", () => {
  test("sends exactly the frames, under the id, and prints those that come back", async () => {
    const { address, got } = await router(([id = Buffer.alloc(0)]) => [id, "yes", "", Buffer.from([255, 1])]);
    const cwd = folderWith({ "body.bin": Buffer.from([0, 255]) });
    const frames = ["hello", "", "hex:00fF", "@body.bin"].flatMap((frame) => ["--frame", frame]);
    expect(await run(["send", address, ...DEALER, "--identity", "pilot", ...frames], { cwd })).toMatchObject({
      code: 0,
      stdout:
        "-> [1/4] hello\n-> [2/4] (0 bytes)\n-> [3/4] (2 bytes) 00ff\n-> [4/4] (2 bytes) 00ff\n" +
        "<- [1/3] yes\n<- [2/3] (0 bytes)\n<- [3/3] (2 bytes) ff01\n",
      stderr: "",
    });
    expect(got).toEqual([
      [Buffer.from("pilot"), Buffer.from("hello"), Buffer.alloc(0), Buffer.from([0, 255]), Buffer.from([0, 255])],
    ]);
  });

  test("takes an id in hex, which need be no text", async () => {
    const { address, got } = await router(echo);
    await run(["send", address, ...DEALER, "--identity", "hex:ff0001", "--frame", "x"]);
    expect(got[0]?.[0]).toEqual(Buffer.from([255, 0, 1]));
  });

  test("prints the reply in the other forms as well", async () => {
    const { address } = await router(echo);
    const args = ["send", address, ...DEALER, "--frame", "a", "--frame", "b", "-o"];
    expect((await run([...args, "value"])).stdout).toBe('["a","b"]\n');
    expect((await run([...args, "raw"])).stdout).toBe("ab");
    expect((await run([...args, "hex"])).stdout.match(/\|.\|/g)).toEqual(["|a|", "|b|"]);
    expect(JSON.parse((await run([...args, "json"])).stdout)).toEqual({
      ok: true,
      code: "ok",
      value: ["a", "b"],
      latencyMs: expect.any(Number),
      address,
    });
  });

  test("asks a REP, if the frames are those that a REQ would send", async () => {
    const address = addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT } } }), "e");
    const { stdout } = await run(["send", address, ...DEALER, "--frame", "", "--frame", "hi", "-o", "value"]);
    expect(stdout).toBe('["","hi"]\n');
  });

  test("sends as often as --count says, from one socket", async () => {
    const { address, got } = await router(echo);
    const { stdout } = await run(["send", address, ...DEALER, "--frame", "x", "--count", "3", "-o", "value"]);
    expect(stdout).toBe("x\n".repeat(3));
    expect(new Set(got.map(([id]) => id?.toString("hex"))).size).toBe(1);
  });

  test("finds a target or an endpoint by its name, whatever is served there in which codec", async () => {
    const { address } = await router(echo);
    const targets = { there: { connect: address, codec: "json" } };
    const endpoints = { here: { bind: address, handlers: ["*"] } };
    const cwd = folderWith({ "zmqecho.config.json": JSON.stringify({ targets, endpoints }) });
    for (const name of ["there", "here"]) {
      const args = ["send", "--endpoint", name, ...DEALER, "--frame", "x", "-o", "value"];
      expect(await run(args, { cwd })).toMatchObject({ code: 0, stdout: "x\n", stderr: "" });
    }
  });

  test("takes the next message for the reply, whichever it was meant for", async () => {
    const socket = new Router({ linger: 0 });
    onTestFinished(() => socket.close());
    await socket.bind(ANY_PORT);
    const answering = (async () => {
      const [id = ""] = await socket.receive();
      await socket.send([id, "one"]);
      await socket.send([id, "two"]);
    })();
    const args = ["send", socket.lastEndpoint ?? "", ...DEALER, "--frame", "x", "--count", "2", "-o", "value"];
    expect(await run(args)).toMatchObject({ code: 0, stdout: "one\ntwo\n" });
    await answering;
  });

  test("exits with 78 when the server goes before it answers", async () => {
    const socket = new Router({ linger: 0 });
    await socket.bind(ANY_PORT);
    const address = socket.lastEndpoint ?? "";
    const gone = socket.receive().then(() => socket.close());
    expect(await run(["send", address, ...DEALER, "--frame", "x", "-q"])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(`${address} closed the connection before it answered`),
    });
    await gone;
  });

  test("exits with 68 when no message comes in time", async () => {
    const { address } = await router(() => undefined);
    expect(await run(["send", address, ...DEALER, "--frame", "x", "-t", "100", "-q"])).toMatchObject({
      code: 68,
      stderr: `zmqecho: deadline_exceeded: no answer from ${address} within 100 ms\n`,
    });
  });

  test("exits with 78 and the reason when nobody is there, or a PUB", async () => {
    const dead = await deadAddress();
    expect(await run(["send", dead, ...DEALER, "--frame", "x", "-q"])).toMatchObject({
      code: 78,
      stderr: `zmqecho: unavailable: ${dead}: connection refused; nobody listens there\n`,
    });
    const socket = new Publisher({ linger: 0 });
    onTestFinished(() => socket.close());
    await socket.bind(ANY_PORT);
    expect(await run(["send", socket.lastEndpoint ?? "", ...DEALER, "--frame", "x"])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("a PUB socket is there"),
    });
  });

  test("with --wait is told how long it tried", async () => {
    const args = ["send", await deadAddress(), ...DEALER, "--frame", "x", "--wait", "-t", "300"];
    expect(await run(args)).toMatchObject({ code: 78, stderr: expect.stringContaining("(tried for 300 ms)") });
  });
});

describe("--frame", () => {
  test("makes a raw body of several frames over a REQ", async () => {
    const { address, got } = await router(echo);
    const { stdout } = await run(["send", address, "--frame", "one", "--frame", "hex:ff"]);
    expect(stdout).toBe("-> (2 frames) one | (1 bytes) ff\n<- (2 frames) one | (1 bytes) ff\n");
    expect(got[0]?.slice(1)).toEqual([Buffer.alloc(0), Buffer.from("one"), Buffer.from([255])]);
  });

  test("is the body of a call by name", async () => {
    const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["echo"] } } });
    const args = ["send", addressOf(host, "e"), "--handler", "echo", "--frame", "a", "--frame", "b", "-o", "value"];
    expect(await run(args)).toMatchObject({ code: 0, stdout: '["a","b"]\n' });
  });
});

test.each([
  ["a dealer without frames", [...DEALER], "--socket dealer wants --frame, once for each frame of the message"],
  ["a dealer and BODY", ["body", ...DEALER, "--frame", "x"], "--frame and BODY or --data exclude each other"],
  [
    "a dealer and a handler",
    [...DEALER, "--frame", "x", "--handler", "h"],
    "--socket dealer and --handler exclude each other",
  ],
  [
    "a dealer and metadata",
    [...DEALER, "--frame", "x", "-H", "a=b"],
    "--socket dealer and --metadata exclude each other",
  ],
  [
    "a dealer and retries",
    [...DEALER, "--frame", "x", "--retries", "1"],
    "--socket dealer and --retries exclude each other",
  ],
  ["frames and a codec", ["--frame", "x", "--codec", "json"], "--frame and --codec json exclude each other"],
  [
    "frames and a schema",
    ["--frame", "x", "--proto", "a.proto", "--type", "A"],
    "--frame and --proto exclude each other",
  ],
  ["an id without a dealer", ["--identity", "x"], "--identity goes with --socket dealer"],
  [
    "an empty id",
    [...DEALER, "--frame", "x", "--identity", ""],
    "--identity takes 1 to 255 bytes, the first of them not zero",
  ],
  [
    "an id of a zero",
    [...DEALER, "--frame", "x", "--identity", "hex:00"],
    "--identity takes 1 to 255 bytes, the first of them not zero",
  ],
  [
    "an id that is too long",
    [...DEALER, "--frame", "x", "--identity", "x".repeat(256)],
    "--identity takes 1 to 255 bytes, the first of them not zero",
  ],
  [
    "half a byte",
    ["--frame", "hex:abc"],
    "--frame hex:abc: hex: is followed by two digits, 0 to 9 and a to f, for each byte",
  ],
])("%s is exit 2 before anything is sent", async (_, args, message) => {
  expect(await run(["send", "tcp://127.0.0.1:1", ...args])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: `zmqecho: ${message}\n`,
  });
});

test("a file of a frame that is not there is exit 2", async () => {
  expect(await run(["send", "tcp://127.0.0.1:1", "--frame", "@nowhere"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("can't read nowhere"),
  });
});
