import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { Publisher, Reply } from "zeromq";
import { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import { type ErrorCode, ZmqEchoError } from "../../src/errors.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run, start } from "../processes.ts";

async function echo(codec: string = "raw"): Promise<string> {
  return addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT, codec } } }), "e");
}

test("prints both arrows, and nothing on stderr", async () => {
  expect(await run(["send", await echo()])).toMatchObject({
    code: 0,
    stdout: "-> Hello world!\n<- Hello world!\n",
    stderr: "",
  });
});

test("sends what is asked for", async () => {
  const { stdout } = await run(["send", await echo(), "good day"]);
  expect(stdout).toBe("-> good day\n<- good day\n");
});

test.each(BUILT_IN_CODECS.filter((codec) => codec !== "raw"))("takes and prints JSON under %s", async (codec) => {
  const { stdout } = await run(["send", await echo(codec), '{ "list": [1, "two", null] }', "--codec", codec]);
  expect(stdout).toBe('-> {"list":[1,"two",null]}\n<- {"list":[1,"two",null]}\n');
});

describe("-o", () => {
  test("raw prints the reply's bytes and nothing else", async () => {
    const folder = folderWith({ "body.bin": Buffer.from([0, 255, 10, 13, 0]) });
    const { bytes } = await run(["send", await echo(), "@body.bin", "-o", "raw"], { cwd: folder });
    expect([...bytes]).toEqual([0, 255, 10, 13, 0]);
  });

  test("value prints the value alone, as JSON under structured codecs", async () => {
    expect(await run(["send", await echo("cbor"), '"hi"', "--codec", "cbor", "-o", "value"])).toMatchObject({
      stdout: '"hi"\n',
    });
    expect(await run(["send", await echo(), "hi", "-o", "value"])).toMatchObject({ stdout: "hi\n" });
  });

  test("hex prints a dump", async () => {
    const { stdout } = await run(["send", await echo(), "hi\nthere", "-o", "hex"]);
    expect(stdout).toBe(`00000000  68 69 0a 74 68 65 72 65${" ".repeat(26)}|hi.there|\n`);
  });

  test("json prints one document", async () => {
    const address = await echo("json");
    const { stdout } = await run(["send", address, "[1]", "--codec", "json", "-o", "json"]);
    expect(JSON.parse(stdout)).toEqual({ ok: true, code: "ok", value: [1], latencyMs: expect.any(Number), address });
  });

  test("json prints the error of a call that failed, and its exit code stands", async () => {
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, handler: "no" } } },
      {
        no: () => {
          throw new ZmqEchoError("aborted", "later", { details: { at: "noon" } });
        },
      },
    );
    const { code, stdout, stderr } = await run(["send", addressOf(host, "e"), "-o", "json"]);
    expect({ code, stderr }).toEqual({ code: 74, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      code: "aborted",
      message: "later",
      details: { at: "noon", requestId: expect.any(String) },
    });
  });

  test("json says which encoding bytes are in that are no text", async () => {
    const folder = folderWith({ "body.bin": Buffer.from([255]) });
    const { stdout } = await run(["send", await echo(), "@body.bin", "-o", "json"], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({ value: "/w==", encoding: "base64" });
  });
});

test("shows control characters in a server's error, and sends none to the terminal", async () => {
  const bad = (text: string) => new ZmqEchoError("aborted", text, { details: { why: text } });
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "no" } } },
    {
      no: () => {
        throw bad("\x1b]0;title\x07 \x9b2J\t\x7f");
      },
    },
  );
  const { code, stderr } = await run(["send", addressOf(host, "e")]);
  expect(code).toBe(74);
  expect(stderr).toContain("zmqecho: aborted: \\x1b]0;title\\x07 \\x9b2J\\x09\\x7f ");
  expect(stderr).not.toMatch(/(?!\n$)\p{Cc}/u);
});

test("an error from a server that breaks its message into lines is one line still", async () => {
  const server = new Reply({ linger: 0 });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  const answered = server
    .receive()
    .then(() => server.send(["ZEP1 aborted", "no\nzmqecho: all is well", '{"requestId":"1"}']));
  const { stderr } = await run(["send", server.lastEndpoint ?? "", "--handler", "any"]);
  await answered;
  expect(stderr).toBe('zmqecho: aborted: no\\x0azmqecho: all is well {"requestId":"1"}\n');
});

describe("a stdout that", () => {
  const MANY = ["x", "--count", "1000000"];

  test("nobody reads on is the end, as SIGPIPE would be, without a word", async () => {
    expect(
      await run(["send", await echo(), ...MANY], { shell: '{ "$0" "$@"; echo "exit $?" >&2; } | head -n 1' }),
    ).toMatchObject({ stdout: "-> x\n", stderr: "exit 141\n" });
  });

  test("nobody reads on ends other commands with their own code", async () => {
    for (const args of [["--help"], ["config"], ["check"]]) {
      const { child, finished } = start(args);
      child.stdout.destroy();
      expect(await finished).toMatchObject({ code: 0, stderr: "" });
    }
  });

  test("no disk has room for is exit 1, in one line", async () => {
    for (const args of [["config"], ["send", await echo(), ...MANY]])
      expect(await run(args, { shell: '"$0" "$@" >/dev/full' })).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^zmqecho: can't write to standard output: ENOSPC: [^\n]+\n$/),
      });
  });
});

test("reads the body from standard input if told to, and only then", async () => {
  const address = await echo();
  expect((await run(["send", address, "-", "-o", "raw"], { input: "piped" })).stdout).toBe("piped");
  expect((await run(["send", address, "-o", "raw"], { input: "piped" })).stdout).toBe("Hello world!");
});

test("what looks like an address without its scheme is pointed out", async () => {
  const cwd = folderWith({ "zmqecho.config.json": JSON.stringify({ endpoints: { e: { bind: await echo() } } }) });
  const { code, stdout, stderr } = await run(["send", "127.0.0.1:5555"], { cwd });
  expect({ code, stdout }).toEqual({ code: 0, stdout: "-> 127.0.0.1:5555\n<- 127.0.0.1:5555\n" });
  expect(stderr).toContain("127.0.0.1:5555 is sent as the body; an address starts with tcp:// or ipc://");
});

test("--count sends as often", async () => {
  const { stdout } = await run(["send", await echo(), "x", "--count", "3"]);
  expect(stdout).toBe("-> x\n<- x\n".repeat(3));
});

test("--count ends with the first failure", async () => {
  const seen: unknown[] = [];
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "no" } } },
    {
      no: (input) => {
        seen.push(input);
        if (seen.length === 2) throw new ZmqEchoError("aborted", "no");
        return input;
      },
    },
  );
  expect(await run(["send", addressOf(host, "e"), "x", "--count", "5"])).toMatchObject({
    code: 74,
    stdout: "-> x\n<- x\n-> x\n",
  });
  expect(seen).toHaveLength(2);
});

test("--interval is from a reply to the next request, however long the call took", async () => {
  const asked: number[] = [];
  const answered: number[] = [];
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "slow" } } },
    {
      slow: async (input) => {
        asked.push(performance.now());
        await delay(200);
        answered.push(performance.now());
        return input;
      },
    },
  );
  await run(["send", addressOf(host, "e"), "--count", "2", "--interval", "150", "-q"]);
  // A timer of libuv may end a millisecond early.
  expect((asked[1] ?? 0) - (answered[0] ?? 0)).toBeGreaterThan(148);
});

describe("--retries", () => {
  /** Fails with the codes given, one a call, and then answers. */
  async function failing(...codes: ErrorCode[]): Promise<{ readonly address: string; calls(): number }> {
    let calls = 0;
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, handler: "it" } } },
      {
        it: (input) => {
          const code = codes[calls++];
          if (code !== undefined) throw new ZmqEchoError(code, "not now");
          return input;
        },
      },
    );
    return { address: addressOf(host, "e"), calls: () => calls };
  }

  test("sends again after a failure that may pass", async () => {
    const { address, calls } = await failing("unavailable", "unavailable");
    expect(await run(["send", address, "x", "--retries", "2"])).toMatchObject({ code: 0, stdout: "-> x\n<- x\n" });
    expect(calls()).toBe(3);
  });

  test("is 0 unless given, and not exceeded", async () => {
    const once = await failing("unavailable");
    expect(await run(["send", once.address])).toMatchObject({ code: 78 });
    expect(once.calls()).toBe(1);
    const thrice = await failing("unavailable", "unavailable", "unavailable");
    expect(await run(["send", thrice.address, "--retries", "1"])).toMatchObject({ code: 78 });
    expect(thrice.calls()).toBe(2);
  });

  test("does not send again what would fail again", async () => {
    const { address, calls } = await failing("aborted");
    expect(await run(["send", address, "--retries", "5"])).toMatchObject({ code: 74 });
    expect(calls()).toBe(1);
  });

  test("counts for each line of --stream", async () => {
    const { address, calls } = await failing("unavailable");
    const args = ["send", address, "--stream", "--retries", "1", "-o", "value"];
    expect(await run(args, { input: "a\nb\n" })).toMatchObject({ code: 0, stdout: "a\nb\n" });
    expect(calls()).toBe(3);
  });
});

test("-v shows the frames on stderr", async () => {
  const { stderr } = await run(["send", await echo(), "hi", "-v"]);
  expect(stderr).toMatch(/^> \[1\/1\] 2 bytes\n.*\|hi\|\n< \[1\/1\] 2 bytes\n.*\|hi\|\n$/s);
});

describe("through the configuration", () => {
  async function folderFor(extra: object = {}) {
    const host = await startHost(
      {
        endpoints: {
          plain: { bind: ANY_PORT, handler: "twice", codec: "json" },
          zep: { bind: ANY_PORT, handlers: ["*"] },
        },
      },
      { twice: (input) => [input, input], meta: (_, { metadata }) => metadata },
    );
    const config = {
      endpoints: {
        plain: { bind: addressOf(host, "plain"), handler: "twice", codec: "json" },
        zep: { bind: addressOf(host, "zep"), handlers: ["*"] },
      },
      targets: { there: { connect: addressOf(host, "plain"), codec: "json" } },
      ...extra,
    };
    return folderWith({ "zmqecho.config.json": JSON.stringify(config) });
  }

  test("the first endpoint is the default, and named on stderr", async () => {
    const cwd = await folderFor();
    const { stdout, stderr } = await run(["send", "1"], { cwd });
    expect(stdout).toBe("-> 1\n<- [1,1]\n");
    expect(stderr).toMatch(/^zmqecho: to endpoint plain, tcp:\/\/127\.0\.0\.1:\d+\n$/);
  });

  test("--endpoint names an endpoint or a target, with its codec", async () => {
    const cwd = await folderFor();
    for (const name of ["plain", "there"]) {
      expect(await run(["send", "2", "--endpoint", name], { cwd })).toMatchObject({ stdout: "-> 2\n<- [2,2]\n" });
    }
  });

  test("--handler finds its plain endpoint before one that serves by name", async () => {
    const cwd = await folderFor();
    expect(await run(["send", "3", "--handler", "twice", "-v"], { cwd })).toMatchObject({
      stdout: "-> 3\n<- [3,3]\n",
      stderr: expect.not.stringContaining("ZEP1"),
    });
  });

  test("--handler calls by name where only that is served, with metadata", async () => {
    const cwd = await folderFor();
    const args = ["send", "null", "--handler", "meta", "--codec", "json", "-H", "tenant=blue=1", "-o", "value"];
    expect(await run(args, { cwd })).toMatchObject({ code: 0, stdout: '{"tenant":"blue=1"}\n' });
  });

  test("a name that is nobody's is exit 2, with the nearest", async () => {
    const cwd = await folderFor();
    expect(await run(["send", "--endpoint", "plian"], { cwd })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: 'zmqecho: there is no endpoint or target "plian"; did you mean "plain"?\n',
    });
  });

  test("a handler's absence is told by the server: 69", async () => {
    const cwd = await folderFor();
    expect(await run(["send", "--endpoint", "zep", "--handler", "nobody"], { cwd })).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(
        /^zmqecho: not_found: no handler "nobody" is served here \{"requestId":"[^"]+"\}\n$/,
      ),
    });
  });

  test("a codec of a plugin works by its name", async () => {
    const cwd = await folderFor();
    mkdirSync(join(cwd, "plugins"));
    writeFileSync(
      join(cwd, "plugins", "csv.mjs"),
      `import { defineCodec } from "zmqecho";
       export default defineCodec({ encode: (v) => Buffer.from(v.join(",")), decode: (b) => Buffer.from(b).toString().split(",") });`,
    );
    expect(await run(["send", await echo(), '["a","b"]', "--codec", "csv", "-o", "value"], { cwd })).toMatchObject({
      stdout: '["a","b"]\n',
    });
  });
});

test("--proto, --type and --response-type describe a codec ad hoc", async () => {
  const proto =
    'syntax = "proto3"; package t; message Ask { string name = 1; int64 big = 2; } message Answer { string text = 1; }';
  const cwd = folderWith({ "t.proto": proto });
  const codec = { type: "protobuf", proto: join(cwd, "t.proto"), request: "t.Ask", response: "t.Answer" } as const;
  const host = await startHost(
    { codecs: { t: codec }, endpoints: { e: { bind: ANY_PORT, handler: "greet", codec: "t" } } },
    { greet: (input) => ({ text: `${(input as { name: string }).name} ${(input as { big: bigint }).big}` }) },
  );
  const flags = ["--proto", "t.proto", "--type", "t.Ask", "--response-type", "t.Answer", "-o", "value"];
  const body = '{"name":"Ann","big":"9007199254740993"}';
  expect(await run(["send", addressOf(host, "e"), body, ...flags], { cwd })).toMatchObject({
    code: 0,
    stdout: '{"text":"Ann 9007199254740993"}\n',
  });
});

describe("exits with", () => {
  test("78 and the reason when nobody listens", async () => {
    const address = await deadAddress();
    expect(await run(["send", address])).toMatchObject({
      code: 78,
      stderr: `zmqecho: unavailable: ${address}: connection refused; nobody listens there\n`,
    });
  });

  test("78 and the reason when a PUB socket is there", async () => {
    const socket = new Publisher({ linger: 0 });
    onTestFinished(() => socket.close());
    await socket.bind(ANY_PORT);
    expect(await run(["send", socket.lastEndpoint ?? ""])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining("a PUB socket is there; requests need a REP or ROUTER"),
    });
  });

  test("68 when no answer comes in time", async () => {
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, handler: "hang" } }, handlers: { hang: { timeoutMs: 500 } } },
      { hang: () => new Promise(() => undefined) },
    );
    expect(await run(["send", addressOf(host, "e"), "-t", "100"])).toMatchObject({
      code: 68,
      stderr: expect.stringMatching(/^zmqecho: deadline_exceeded: no answer from tcp:.* within 100 ms\n$/),
    });
  });

  test.each([
    [
      "an address that libzmq would misread",
      ["tcp://127.0.0.1:70000"],
      'address "tcp://127.0.0.1:70000": "70000" is no port',
    ],
    ["a body that is no JSON", ["tcp://127.0.0.1:1", "hello", "--codec", "json"], `quote it twice: '"hello"'`],
    [
      "a body that its codec can't carry",
      ["tcp://127.0.0.1:1", '{"__proto__":1}', "--codec", "json"],
      "json can't encode $",
    ],
    ["two words that are no address", ["one", "two"], '"one" is no address'],
    ["a file that is not there", ["tcp://127.0.0.1:1", "@nowhere"], "can't read nowhere"],
    ["an address in capitals", ["TCP://127.0.0.1:1"], "write the scheme in lower case: tcp://"],
    [
      "metadata that can't be acted upon",
      ["tcp://127.0.0.1:1", "--handler", "x", "-H", "timeout-ms=abc"],
      "timeout-ms takes",
    ],
    ["metadata on a plain call", ["tcp://127.0.0.1:1", "-H", "a=b"], "--metadata goes with a call by name"],
    ["an unknown codec", ["tcp://127.0.0.1:1", "--codec", "jsno"], 'there is no codec "jsno"; did you mean "json"?'],
    ["an unknown option", ["--conect"], "unknown option '--conect'"],
    ["a time that is none", ["tcp://127.0.0.1:1", "-t", "5s"], "It takes a whole number from 1 to"],
  ])("2 and no arrow for %s", async (_, args, message) => {
    expect(await run(["send", ...args])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(message),
    });
  });
});

describe("large numbers in BODY", () => {
  test.each(["cbor", "msgpack"])("are sent as they are written under %s", async (codec) => {
    const { stdout } = await run([
      "send",
      await echo(codec),
      '{"id":18446744073709551615}',
      "--codec",
      codec,
      "-o",
      "value",
    ]);
    expect(stdout).toBe('{"id":"18446744073709551615"}\n');
  });

  test("are sent as 64-bit integers by a schema that has them", async () => {
    const cwd = folderWith({ "t.proto": 'syntax = "proto3"; package t; message N { int64 n = 1; }' });
    const flags = ["--proto", "t.proto", "--type", "t.N", "-o", "value"];
    expect(await run(["send", await echo(), '{"n":9007199254740993}', ...flags], { cwd })).toMatchObject({
      stdout: '{"n":"9007199254740993"}\n',
    });
  });

  test("are refused where they would be rounded", async () => {
    expect(await run(["send", await echo("json"), "[9007199254740993]", "--codec", "json"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("outside ±(2^53-1), which json carries as text only; quote it"),
    });
    expect(await run(["send", await echo("cbor"), "1e400", "--codec", "cbor"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("1e400 is larger than any number"),
    });
  });
});

test("--proto does not go with a codec that is no protobuf", async () => {
  expect(
    await run(["send", "tcp://127.0.0.1:1", "{}", "--codec", "json", "--proto", "t.proto", "--type", "t.N"]),
  ).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--proto goes with --codec protobuf"),
  });
});
