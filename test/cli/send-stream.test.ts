import { describe, expect, onTestFinished, test } from "vitest";
import { Router } from "zeromq";
import { ZmqEchoError } from "../../src/errors.ts";
import type { HandlerFunction } from "../../src/handler.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run, type Started, start } from "../processes.ts";

/** A host that runs 16 at once. */
async function served(handler: HandlerFunction, codec = "json"): Promise<string> {
  const endpoints = { e: { bind: ANY_PORT, handler: "it", codec, concurrency: 16 } };
  return addressOf(await startHost({ endpoints }, { it: handler }), "e");
}

const echo: HandlerFunction = (input) => input;

/** Refuses "no" and what begins with it. */
const refusing: HandlerFunction = (input) => {
  if (String(input).startsWith("no")) throw new ZmqEchoError("aborted", `not ${input}`);
  return input;
};

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Resolves when the text has been printed on stdout. */
function printed({ child, output }: Started, text: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (output.stdout().includes(text)) resolve();
    };
    child.stdout.on("data", look);
    look();
  });
}

test("sends a request for each line, and passes over empty ones", async () => {
  const input = '1\n\n[2]\r\n\r\n"three"';
  expect(await run(["send", await served(echo), "--stream", "--codec", "json"], { input })).toMatchObject({
    code: 0,
    stdout: '-> 1\n<- 1\n-> [2]\n<- [2]\n-> "three"\n<- "three"\n',
    stderr: "",
  });
});

test("takes the bytes of a line under raw, whatever they are", async () => {
  const input = Buffer.from([64, 120, 10, 255, 0, 10, 45, 10]);
  const { bytes } = await run(["send", await served(echo, "raw"), "--stream", "-o", "raw"], { input });
  expect([...bytes]).toEqual([64, 120, 255, 0, 45]);
});

test("a line may come in pieces", async () => {
  const long = "x".repeat(300_000);
  const { stdout } = await run(["send", await served(echo), "--stream", "--codec", "json", "-o", "value"], {
    input: `"${long}"\n"${long}"\n`,
  });
  expect(stdout).toBe(`"${long}"\n"${long}"\n`);
});

test("each reply is printed when it is there, before another line comes", async () => {
  const started = start(["send", await served(echo), "--stream", "--codec", "json", "-o", "value"]);
  for (const text of ["first", "second"]) {
    started.child.stdin.write(`"${text}"\n`);
    await printed(started, `"${text}"\n`);
  }
  started.child.stdin.end();
  expect(await started.finished).toMatchObject({ code: 0, stdout: '"first"\n"second"\n' });
});

test("prints replies in the order of the lines, whatever order they come in", async () => {
  // Each waits for the one after it.
  const gates = Array.from({ length: 5 }, () => gate());
  const address = await served(async (input) => {
    const index = Number(input);
    await gates[index + 1]?.opened;
    gates[index]?.open();
    return index;
  });
  const args = ["send", address, "--stream", "--in-flight", "5", "--codec", "json"];
  const { stdout } = await run(args, { input: "0\n1\n2\n3\n4\n" });
  expect(stdout).toBe([0, 1, 2, 3, 4].map((index) => `-> ${index}\n<- ${index}\n`).join(""));
});

test("has as many under way as it is told, and no more", async () => {
  let running = 0;
  let most = 0;
  const three = gate();
  const address = await served(async (input) => {
    most = Math.max(most, ++running);
    if (running === 3) three.open();
    await three.opened;
    running--;
    return input;
  });
  const args = ["send", address, "--stream", "--in-flight", "3", "--codec", "json", "-q"];
  expect(await run(args, { input: "1\n".repeat(30) })).toMatchObject({ code: 0, stdout: "" });
  expect(most).toBe(3);
});

test("reads no further than it can send", async () => {
  const asked = gate();
  const go = gate();
  let count = 0;
  const address = await served(async (input) => {
    count++;
    asked.open();
    await go.opened;
    return input;
  });
  const { child, finished } = start(["send", address, "--stream", "--codec", "json", "-o", "value"]);
  const line = `"${"x".repeat(10_000)}"\n`;
  const LINES = 500;
  let taken = 0;
  for (let index = 0; index < LINES; index++) child.stdin.write(line, () => taken++);
  child.stdin.end();
  await asked.opened;
  // A pipe and a buffer in between hold some; 5 MB do not fit.
  expect(taken).toBeLessThan(LINES);
  expect(count).toBe(1);
  go.open();
  expect((await finished).stdout).toBe(line.repeat(LINES));
});

test("asks one at a time of a server that keeps no more than an id", async () => {
  const router = new Router({ linger: 0 });
  onTestFinished(() => router.close());
  await router.bind(ANY_PORT);
  const answering = (async () => {
    for (let left = 2; left > 0; left--) {
      const [id = "", , body = ""] = await router.receive();
      await router.send([id, "", `re: ${body}`]);
    }
  })();
  const { stdout } = await run(["send", router.lastEndpoint ?? "", "--stream", "-o", "value"], { input: "a\nb\n" });
  await answering;
  expect(stdout).toBe("re: a\nre: b\n");
});

test("calls a handler by name, with metadata", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } },
    { meta: (input, { metadata }) => [input, metadata.tenant ?? null] },
  );
  const args = ["send", addressOf(host, "e"), "--stream", "--handler", "meta", "--codec", "cbor", "-H", "tenant=blue"];
  expect((await run([...args, "-o", "value"], { input: "1\n2\n" })).stdout).toBe('[1,"blue"]\n[2,"blue"]\n');
});

describe("a call that fails", () => {
  const INPUT = '"a"\n"no"\n"b"\n';

  test("is told on stderr with its line, and the stream goes on to its end", async () => {
    const args = ["send", await served(refusing), "--stream", "--codec", "json"];
    expect(await run(args, { input: INPUT })).toMatchObject({
      code: 74,
      stdout: '-> "a"\n<- "a"\n-> "no"\n-> "b"\n<- "b"\n',
      stderr: expect.stringMatching(/^zmqecho: line 2: aborted: not no \{"requestId":"[^"]+"\}\n$/),
    });
  });

  test("is told in its place among the replies, where both go to one place", async () => {
    const args = ["send", await served(refusing), "--stream", "--in-flight", "3", "--codec", "json", "-o", "value"];
    const { stdout } = await run(args, { input: INPUT, shell: '"$0" "$@" 2>&1' });
    expect(stdout).toMatch(/^"a"\nzmqecho: line 2: aborted: not no [^\n]+\n"b"\n$/);
  });

  test("is a document in its place with -o json", async () => {
    const args = ["send", await served(refusing), "--stream", "--in-flight", "3", "--codec", "json", "-o", "json"];
    const { code, stdout, stderr } = await run(args, { input: INPUT });
    expect({ code, stderr }).toEqual({ code: 74, stderr: "" });
    const documents = stdout.trimEnd().split("\n");
    expect(documents.map((text) => JSON.parse(text))).toMatchObject([
      { ok: true, value: "a" },
      { ok: false, code: "aborted", message: "not no" },
      { ok: true, value: "b" },
    ]);
  });

  test("is the end with --fail-fast, though more could be read", async () => {
    const args = ["send", await served(refusing), "--stream", "--fail-fast", "--codec", "json", "-o", "value"];
    const { child, finished } = start(args);
    child.stdin.write(INPUT);
    expect(await finished).toMatchObject({
      code: 74,
      stdout: '"a"\n',
      stderr: expect.stringMatching(/^zmqecho: line 2: [^\n]+\n$/),
    });
  });

  test("is the end with --fail-fast, once what is under way has been answered", async () => {
    const args = ["send", await served(refusing), "--stream", "--fail-fast", "--in-flight", "4", "--codec", "json"];
    const { child, finished } = start([...args, "-o", "value"]);
    child.stdin.write(INPUT);
    expect(await finished).toMatchObject({ code: 74, stdout: '"a"\n"b"\n' });
  });

  test("gives the exit code of the first one", async () => {
    const address = await served((input) => {
      throw new ZmqEchoError(input === 1 ? "not_found" : "aborted", "no");
    });
    const args = ["send", address, "--stream", "--in-flight", "2", "--codec", "json"];
    expect(await run(args, { input: "1\n2\n" })).toMatchObject({ code: 69 });
  });

  test("for want of a server is told for each line", async () => {
    const { code, stderr } = await run(["send", await deadAddress(), "--stream"], { input: "a\nb\n" });
    expect(code).toBe(78);
    expect(stderr.match(/^zmqecho: line [12]: unavailable: .*connection refused/gm)).toHaveLength(2);
  });
});

test("a line that can't be encoded is named and ends it, once what was sent has been answered", async () => {
  const started = start(["send", await served(echo), "--stream", "--in-flight", "4", "--codec", "json", "-o", "value"]);
  // Its input stays open: nothing more is waited for.
  started.child.stdin.write("1\n\n2\n{\n3\n");
  expect(await started.finished).toMatchObject({
    code: 2,
    stdout: "1\n2\n",
    stderr: expect.stringMatching(
      /^zmqecho: line 4 of standard input: it is no JSON, which the codec json takes: .*\n$/,
    ),
  });
});

test("ends when nobody reads its output any more", async () => {
  const args = ["send", await served(echo), "--stream", "--codec", "json", "-o", "value"];
  const shell = '{ "$0" "$@"; echo "exit $?" >&2; } | head -n 1';
  expect(await run(args, { input: "1\n".repeat(10_000), shell })).toMatchObject({
    stdout: "1\n",
    stderr: "exit 141\n",
  });
});

test("input without a body in it sends nothing", async () => {
  expect(await run(["send", await deadAddress(), "--stream"], { input: "\n" })).toMatchObject({ code: 0, stdout: "" });
});

test.each([
  ["BODY", ["body"], "--stream and BODY or --data exclude each other"],
  ["--data", ["-d", "body"], "--stream and BODY or --data exclude each other"],
  ["--count", ["--count", "2"], "--stream and --count exclude each other"],
  ["--interval", ["--interval", "2"], "--stream and --interval exclude each other"],
  ["--frame", ["--frame", "a"], "--stream and --frame exclude each other"],
])("does not go with %s", async (_, more, message) => {
  expect(await run(["send", "tcp://127.0.0.1:1", "--stream", ...more], { input: "a\n" })).toMatchObject({
    code: 2,
    stdout: "",
    stderr: `zmqecho: ${message}\n`,
  });
});

test.each([["--in-flight", "2"], ["--fail-fast"]])("%s goes with it alone", async (...flags) => {
  expect(await run(["send", "tcp://127.0.0.1:1", ...flags])).toMatchObject({
    code: 2,
    stderr: `zmqecho: ${flags[0]} goes with --stream\n`,
  });
});
