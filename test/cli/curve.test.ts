/** Servers that ask for CURVE keys, as the commands of who calls meet them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { curveKeyPair } from "zeromq";
import { certificateTexts } from "../../src/curve/certificate.ts";
import { decodeZ85 } from "../../src/curve/z85.ts";
import { folderWith } from "../config/folder.ts";
import { curveBroker, curveServer, openServer, type Pair } from "../curve-servers.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";
import { run } from "../processes.ts";

/** A folder with certificates of these names, and a configuration. */
function certificates(pairs: Readonly<Record<string, Pair>>, config?: object): string {
  const folder = folderWith({});
  for (const [name, pair] of Object.entries(pairs)) {
    const texts = certificateTexts(pair);
    writeFileSync(join(folder, `${name}.key`), texts.public);
    writeFileSync(join(folder, `${name}.key_secret`), texts.secret);
  }
  if (config !== undefined) writeFileSync(join(folder, "zmqecho.config.json"), JSON.stringify(config));
  return folder;
}

const SERVER = ["--server-key", "server.key"];

/** A server that takes one key alone. */
async function strictServer() {
  const mine = curveKeyPair();
  const bytes = decodeZ85(mine.publicKey);
  const server = await curveServer({ zap: (key) => (bytes?.equals(key) ? "200" : "400") });
  return { ...server, mine };
}

describe("send", () => {
  test("talks to a server whose key is given, with a new key of its own", async () => {
    const { address, keys } = await curveServer();
    const cwd = certificates({ server: keys });
    expect(await run(["send", address, "hi", "-o", "value", ...SERVER], { cwd })).toMatchObject({
      code: 0,
      stdout: "hi\n",
      stderr: "",
    });
  });

  test("talks with one's own key, which never shows", async () => {
    const { address, keys, mine } = await strictServer();
    const cwd = certificates({ server: keys, me: mine });
    const flags = [...SERVER, "--certificate", "me.key_secret"];
    const { code, stdout, stderr } = await run(["send", address, "hi", "-v", ...flags], { cwd });
    expect([code, stdout]).toEqual([0, "-> hi\n<- hi\n"]);
    for (const key of [...Object.values(keys), ...Object.values(mine)]) expect(stderr).not.toContain(key);
    const frames = ["--frame", "a", "--socket", "dealer", "-q"];
    expect((await run(["send", address, ...frames, ...flags], { cwd })).code).toBe(0);
  });

  test("a secret certificate gives the server's key as well", async () => {
    const { address, keys } = await curveServer();
    const cwd = certificates({ server: keys });
    expect((await run(["send", address, "--server-key", "server.key_secret", "-q"], { cwd })).code).toBe(0);
  });

  test.each([
    ["refuses our key", [...SERVER, "--certificate", "other.key_secret"], "the server refuses our key (ZAP 400); "],
    ["refuses a new key", SERVER, "the server refuses our key, which is a new one (ZAP 400); "],
    ["asks for keys", [], "the server asks for CURVE keys; give its public key, as --server-key"],
    ["has another key", ["--server-key", "other.key"], "the server cuts the CURVE handshake: its key is another"],
  ])("80 if the server %s", async (_, flags, text) => {
    const { address, keys } = await strictServer();
    const cwd = certificates({ server: keys, other: curveKeyPair() });
    const { code, stderr } = await run(["send", address, ...flags], { cwd });
    expect(code).toBe(80);
    expect(stderr).toMatch(/^zmqecho: unauthenticated: .*\n$/);
    expect(stderr).toContain(text);
  });

  test("80 if the server asks for none", async () => {
    const cwd = certificates({ server: curveKeyPair() });
    const { code, stderr } = await run(["send", await openServer(), ...SERVER], { cwd });
    expect(code).toBe(80);
    expect(stderr).toContain("the server asks for no keys, so whatever is sent would not be encrypted");
  });

  test.each([
    ["is not there", [...SERVER.slice(0, 1), "none.key"], "none.key: there is no such file"],
    ["holds no key", ["--server-key", "bad.key"], "bad.key:2:5: the public-key is not 40 characters of Z85"],
    ["has no secret", [...SERVER, "--certificate", "server.key"], "server.key: it has no secret-key"],
  ])("2 for a file that %s, before anything is sent", async (_, flags, text) => {
    const cwd = certificates({ server: curveKeyPair() });
    writeFileSync(join(cwd, "bad.key"), 'curve\n    public-key = "not-to-be-shown"\n');
    const { code, stdout, stderr } = await run(["send", "tcp://127.0.0.1:1", ...flags], { cwd });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(text);
    expect(stderr).not.toContain("not-to-be-shown");
  });

  test("2 for a certificate of one's own without the server's", async () => {
    const cwd = certificates({ me: curveKeyPair() });
    expect(await run(["send", "tcp://127.0.0.1:1", "--certificate", "me.key_secret"], { cwd })).toMatchObject({
      code: 2,
      stderr: "zmqecho: --certificate goes with --server-key, which is what the server is known by\n",
    });
  });
});

describe("the configuration", () => {
  test("has the keys for a target, and flags win over them", async () => {
    const { address, keys, mine } = await strictServer();
    const curve = { serverKey: "./server.key", certificate: "./me.key_secret" };
    const cwd = certificates(
      { server: keys, me: mine, other: curveKeyPair() },
      { targets: { prod: { connect: address, curve } } },
    );
    expect((await run(["send", "--endpoint", "prod", "-q"], { cwd })).code).toBe(0);
    expect((await run(["ping", "--endpoint", "prod"], { cwd })).code).toBe(0);
    const other = ["--certificate", "other.key_secret"];
    expect((await run(["send", "--endpoint", "prod", "-q", ...other], { cwd })).code).toBe(80);
  });

  test("has the server's key for an endpoint of one's own", async () => {
    const { address, keys, mine } = await strictServer();
    const curve = { certificate: "./server.key_secret", allow: "./clients" };
    const cwd = certificates({ server: keys, me: mine }, { endpoints: { own: { bind: address, curve } } });
    const own = ["--certificate", "me.key_secret"];
    expect((await run(["send", "-q", ...own], { cwd })).code).toBe(0);
    expect((await run(["ping", ...own], { cwd })).code).toBe(0);
    // The server's own pair is not ours.
    expect(await run(["send", "-q"], { cwd })).toMatchObject({
      code: 80,
      stderr: expect.stringContaining("refuses our key, which is a new one"),
    });
  });
});

describe("ping", () => {
  test("says that somebody is there who takes our keys", async () => {
    const { address, keys } = await curveServer();
    const cwd = certificates({ server: keys });
    const { code, stdout } = await run(["ping", address, ...SERVER], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^${address}: a REP or ROUTER socket is there \\(ZMTP 3\\.1, CURVE, [\\d.]+ ms\\)\n$`),
    );
    const told = JSON.parse((await run(["ping", address, "-o", "json", ...SERVER], { cwd })).stdout);
    expect(told).toMatchObject({ ok: true, code: "ok", reached: true, mechanism: "CURVE" });
  });

  test.each([
    ["refuses our key", SERVER, "the server refuses our key, which is a new one (ZAP 400)"],
    ["has another key", ["--server-key", "other.key"], "the server cuts the CURVE handshake"],
    ["asks for keys", [], "the server asks for CURVE keys; give its public key"],
  ])("80 if the server %s", async (_, flags, text) => {
    const { address, keys } = await curveServer({ zap: () => "400" });
    const cwd = certificates({ server: keys, other: curveKeyPair() });
    const { code, stderr } = await run(["ping", address, ...flags], { cwd });
    expect(code).toBe(80);
    expect(stderr).toContain(`zmqecho: unauthenticated: ${address}: ${text}`);
  });

  test("80 if the server asks for none", async () => {
    const cwd = certificates({ server: curveKeyPair() });
    const { code, stderr } = await run(["ping", await openServer(), ...SERVER], { cwd });
    expect([code, stderr]).toEqual([80, expect.stringContaining("the server asks for no keys")]);
  });
});

describe("with a server that is called by name", () => {
  async function byName() {
    const host = await startHost(
      { endpoints: { all: { bind: ANY_PORT, handlers: ["*"] } } },
      { echo: (value) => value },
    );
    const broker = await curveBroker(addressOf(host, "all"));
    return { ...broker, cwd: certificates({ server: broker.keys }) };
  }

  test("list, describe and ping ask it", async () => {
    const { address, cwd } = await byName();
    const ask = (...args: string[]) => run([...args, "-c", address, "-o", "json", ...SERVER], { cwd });
    expect(JSON.parse((await ask("list")).stdout).handlers[0].name).toBe("echo");
    expect(JSON.parse((await ask("describe", "echo")).stdout).name).toBe("echo");
    expect(JSON.parse((await ask("ping", "--zep")).stdout).zep.endpoint).toBe("all");
    expect(await run(["list", "-c", address], { cwd })).toMatchObject({ code: 80, stdout: "" });
  });

  test("top looks at it, and is refused without the keys", async () => {
    const { address, cwd } = await byName();
    expect(await run(["top", address, "--count", "1", ...SERVER], { cwd })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("ENDPOINT"),
    });
    expect(await run(["top", address], { cwd })).toMatchObject({ code: 80, stdout: "" });
  });

  test("bench puts a load on it", async () => {
    const { address, cwd } = await byName();
    const flags = ["--handler", "echo", "--requests", "50", "--in-flight", "8", "-o", "json"];
    const { stdout } = await run(["bench", address, ...flags, ...SERVER], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ ok: 50, failed: 0 });
    expect(await run(["bench", address, ...flags], { cwd })).toMatchObject({ code: 80, stdout: "" });
  });
});

test("replay sends a recording to it, and stops at once without the keys", async () => {
  const { address, keys } = await curveServer();
  const cwd = certificates({ server: keys });
  const header = { zmqecho: "recording", version: 1, target: address, codec: "raw", zep: false };
  const entries = [1, 2, 3].map((n) => ({ n, atMs: n, request: ["aGk="], reply: ["aGk="], latencyMs: 1 }));
  const lines = [{ ...header, startedAt: "2026-01-31T12:00:00.000Z" }, ...entries];
  writeFileSync(join(cwd, "r.jsonl"), `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
  expect(await run(["replay", "r.jsonl", "--fast", ...SERVER], { cwd })).toMatchObject({
    code: 0,
    stdout: "3 requests: 3 equal, 0 different, 0 failed\n",
  });
  expect(await run(["replay", "r.jsonl", "--fast"], { cwd })).toMatchObject({
    code: 80,
    stdout: expect.stringContaining("1 request: 0 equal, 0 different, 1 failed\n"),
  });
});

test("list of a configuration takes no keys", async () => {
  const cwd = certificates({ server: curveKeyPair() });
  const { code, stderr } = await run(["list", ...SERVER], { cwd });
  expect([code, stderr]).toEqual([
    2,
    "zmqecho: --server-key and --certificate are for a server, of --connect or --endpoint\n",
  ]);
});
