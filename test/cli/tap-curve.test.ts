/** `tap` between clients and servers that ask for keys, on one side or on both. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { curveKeyPair, Dealer, Request, Router } from "zeromq";
import { certificateTexts } from "../../src/curve/certificate.ts";
import { decodeZ85 } from "../../src/curve/z85.ts";
import { folderWith } from "../config/folder.ts";
import { curveServer, type Pair } from "../curve-servers.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run } from "../processes.ts";
import { tap } from "../taps.ts";

/** A folder with certificates of these names; it is also where the tap keeps its sockets. */
function certificates(pairs: Readonly<Record<string, Pair>>, config?: object): string {
  const folder = folderWith({});
  for (const [name, pair] of Object.entries(pairs)) {
    const texts = certificateTexts(pair);
    writeFileSync(join(folder, `${name}.key`), texts.public);
    writeFileSync(join(folder, `${name}.key_secret`), texts.secret);
  }
  if (config !== undefined) writeFileSync(join(folder, "zmqecho.config.json"), JSON.stringify(config));
  mkdirSync(join(folder, "tmp"));
  return folder;
}

const SERVER = ["--server-key", "server.key"];
const OWN = ["--certificate", "me.key_secret"];

/** A host that takes one key alone, and a folder with it and the host's. */
async function host(endpoint: object = {}, handlers: Parameters<typeof startHost>[1] = {}) {
  const [server, me] = [curveKeyPair(), curveKeyPair()];
  const cwd = certificates({ server, me });
  const allow = join(cwd, "allow");
  mkdirSync(allow);
  writeFileSync(join(allow, "me.key"), certificateTexts(me).public);
  const curve = { certificate: join(cwd, "server.key_secret"), allow };
  const started = await startHost(
    { watch: true, endpoints: { e: { bind: ANY_PORT, curve, concurrency: 64, ...endpoint } } },
    handlers,
  );
  return { address: addressOf(started, "e"), host: started, server, me, cwd, allow };
}

const inFolder = (cwd: string) => ({ cwd, env: { TMPDIR: join(cwd, "tmp") } });

function req(address: string, keys?: { server: Pair; own: Pair }): Request {
  const socket = new Request({
    linger: 0,
    receiveTimeout: 10_000,
    ...(keys && {
      curveServerKey: keys.server.publicKey,
      curvePublicKey: keys.own.publicKey,
      curveSecretKey: keys.own.secretKey,
    }),
  });
  onTestFinished(() => socket.close());
  socket.connect(address);
  return socket;
}

async function ask(socket: Request, ...frames: (string | Buffer)[]): Promise<string[]> {
  await socket.send(frames);
  return (await socket.receive()).map(String);
}

const lines = (text: string) =>
  text
    .replace(/ {2}[\d.]+ ms$/gm, "")
    .split("\n")
    .filter(Boolean);

describe("in front of a server that asks for keys", () => {
  test("clients without keys reach it, and what they say is shown, recorded and summed up", async () => {
    const { address, cwd } = await host({ codec: "json" });
    const flags = ["--codec", "json", "--record", "r.jsonl", ...SERVER, ...OWN];
    const tapped = await tap(address, flags, inFolder(cwd));
    const socket = req(tapped.address);
    expect(await ask(socket, '{"a":1}')).toEqual(['{"a":1}']);
    expect(await ask(socket, "[2]")).toEqual(["[2]"]);
    const { code, stdout, stderr } = await tapped.stop();
    expect(lines(stdout)).toEqual(['-> #1 {"a":1}', '<- #1 {"a":1}', "-> #2 [2]", "<- #2 [2]"]);
    expect(stdout).toMatch(/<- #1 .* {2}[\d.]+ ms$/m);
    expect(stderr).toMatch(/2 requests, 2 replies, 0 unanswered, \d+ bytes, latency p50 [\d.]+ ms/);
    expect([code, readdirSync(join(cwd, "tmp"))]).toEqual([0, []]);
    expect(lines(readFileSync(join(cwd, "r.jsonl"), "utf8"))).toHaveLength(3);
  });

  test("frames pass byte for byte, many at once in order, under the id that a client has given itself", async () => {
    const { address, keys, socket } = await curveServer();
    const seen: Buffer[][] = [];
    const cwd = certificates({ server: keys });
    const { events } = socket;
    const accepted = new Promise((resolve) => events.on("handshake", resolve));
    const tapped = await tap(address, ["-q", ...SERVER], inFolder(cwd));
    const dealer = new Dealer({ linger: 0, receiveTimeout: 10_000, routingId: "ada" });
    onTestFinished(() => dealer.close());
    dealer.connect(tapped.address);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const sent = Array.from({ length: 500 }, (_, n) => [
      "hop",
      "",
      String(n),
      bytes,
      "",
      Buffer.alloc(n === 250 ? 5_000_000 : n, n),
    ]);
    const receiving = (async () => {
      for (const _ of sent) seen.push(await dealer.receive());
    })();
    for (const frames of sent) await dealer.send(frames);
    await Promise.all([receiving, accepted]);
    const expected = sent.map((frames) => frames.map((frame) => Buffer.from(frame)));
    expect(seen.every((frames, n) => Buffer.concat(frames).equals(Buffer.concat(expected[n] ?? [])))).toBe(true);
    expect(seen.map(({ length }) => length)).toEqual(sent.map(({ length }) => length));
    const { stderr } = await tapped.stop();
    expect(stderr).toContain("500 requests, 500 replies, 0 unanswered");
  });

  test("the server knows a client by its own id", async () => {
    const keys = curveKeyPair();
    const server = new Router({ linger: 0, receiveTimeout: 10_000, curveServer: true, curveSecretKey: keys.secretKey });
    onTestFinished(() => server.close());
    await server.bind(ANY_PORT);
    const tapped = await tap(server.lastEndpoint ?? "", SERVER, inFolder(certificates({ server: keys })));
    const dealer = new Dealer({ linger: 0, receiveTimeout: 10_000, routingId: "ada" });
    onTestFinished(() => dealer.close());
    dealer.connect(tapped.address);
    await dealer.send(["", "hello"]);
    expect((await server.receive()).map(String)).toEqual(["ada", "", "hello"]);
    await server.send(["ada", "", "to ada"]);
    expect((await dealer.receive()).map(String)).toEqual(["", "to ada"]);
  });

  test("a client that does not read holds up nobody, and loses nothing", async () => {
    const { address, keys } = await curveServer();
    const tapped = await tap(address, ["-q", ...SERVER], inFolder(certificates({ server: keys })));
    const slow = new Dealer({ linger: 0, receiveTimeout: 10_000, receiveHighWaterMark: 1 });
    onTestFinished(() => slow.close());
    slow.connect(tapped.address);
    // As many as the server itself would keep for one who does not read, and more bytes than any buffer of the system.
    const body = Buffer.alloc(30_000, "x");
    for (let n = 0; n < 900; n++) await slow.send(["", String(n), body]);
    const other = req(tapped.address);
    for (let n = 0; n < 20; n++) expect(await ask(other, String(n))).toEqual([String(n)]);
    for (let n = 0; n < 900; n++) expect(String((await slow.receive())[1])).toBe(String(n));
    expect((await tapped.stop()).stderr).toContain("920 requests, 920 replies, 0 unanswered");
  });

  test("a client that leaves takes its connection to the server with it, and what it has sent still gets there", async () => {
    const keys = curveKeyPair();
    const server = new Router({ linger: 0, receiveTimeout: 10_000, curveServer: true, curveSecretKey: keys.secretKey });
    onTestFinished(() => server.close());
    let gone = 0;
    server.events.on("disconnect", () => gone++);
    await server.bind(ANY_PORT);
    const cwd = certificates({ server: keys });
    const tapped = await tap(server.lastEndpoint ?? "", SERVER, inFolder(cwd));
    const dealer = new Dealer({ linger: 1000 });
    dealer.connect(tapped.address);
    for (let n = 0; n < 10; n++) await dealer.send(["", String(n)]);
    dealer.close();
    for (let n = 0; n < 10; n++) expect(String((await server.receive())[2])).toBe(String(n));
    // The first was tap's own, by which it found out whether the server has it.
    await expect.poll(() => gone, { timeout: 5000 }).toBe(2);
    const [folder = ""] = readdirSync(join(cwd, "tmp"));
    await expect.poll(() => readdirSync(join(cwd, "tmp", folder))).toEqual([]);
    expect(statSync(join(cwd, "tmp", folder)).mode & 0o777).toBe(0o700);
    expect((await tapped.stop()).stderr).toContain("10 requests, 0 replies, 10 unanswered");
  });

  test("who finds no place any more is let go, and told of once", async () => {
    const { address, keys } = await curveServer();
    const cwd = certificates({ server: keys });
    const shell = 'ulimit -n 160; exec "$0" "$@"';
    const tapped = await tap(address, ["-q", ...SERVER], { ...inFolder(cwd), shell });
    const clients = Array.from({ length: 5 }, () => req(tapped.address));
    for (const client of clients) expect(await ask(client, "hello")).toEqual(["hello"]);
    const late = req(tapped.address);
    const asked = ask(late, "late");
    await tapped.said("no further clients can be taken: 5 clients are here, and no more can be");
    clients[0]?.close();
    expect(await asked).toEqual(["late"]);
    const { stderr } = await tapped.stop();
    expect(stderr.match(/no further clients/g)).toHaveLength(1);
  });

  test("requests wait for a server that is not there yet, and one that goes and comes is told of", async () => {
    const [keys, address] = [curveKeyPair(), await deadAddress()];
    const tapped = await tap(address, SERVER, inFolder(certificates({ server: keys })));
    await tapped.said(`${address}: connection refused; nobody listens there; requests wait for it`);
    const socket = req(tapped.address);
    const asked = ask(socket, "early");
    await tapped.shown("-> #1 early");
    const first = await curveServer({ keys, address });
    expect(await asked).toEqual(["early"]);
    await tapped.said(`${address} is there`);
    first.socket.close();
    // The system gives the address free a moment later.
    const again = () =>
      curveServer({ keys, address }).then(
        () => "there",
        () => "taken",
      );
    await expect.poll(again).toBe("there");
    await expect.poll(async () => ask(req(tapped.address), "late"), { timeout: 10_000 }).toEqual(["late"]);
    expect((await tapped.stop()).code).toBe(0);
  });

  test("what is under way when the signal comes still gets its reply", async () => {
    const { address, cwd } = await host(
      { handler: "slow" },
      { slow: (input) => new Promise((resolve) => setTimeout(resolve, 300, input)) },
    );
    const tapped = await tap(address, [...SERVER, ...OWN], inFolder(cwd));
    const asked = ask(req(tapped.address), "hello");
    await tapped.shown("-> #1 hello");
    const { code, stderr } = await tapped.stop();
    expect(await asked).toEqual(["hello"]);
    expect(code).toBe(0);
    expect(stderr).toContain("1 request, 1 reply, 0 unanswered");
  });

  test("a target of the configuration brings its keys, and an endpoint the server's", async () => {
    const { address, server, me } = await host();
    const cwd = certificates(
      { server, me },
      {
        endpoints: { own: { bind: address, curve: { certificate: "./server.key_secret", allow: "./allow" } } },
        targets: { prod: { connect: address, curve: { serverKey: "./server.key", certificate: "./me.key_secret" } } },
      },
    );
    for (const [name, ...flags] of [["prod"], ["own", ...OWN]]) {
      const tapped = await tap(name ?? "", flags, inFolder(cwd));
      expect(await ask(req(tapped.address), "hello")).toEqual(["hello"]);
      expect((await tapped.stop()).stdout).toContain("<- #1 hello");
    }
    expect(await run(["tap", ANY_PORT, "own"], inFolder(cwd))).toMatchObject({
      code: 80,
      stderr: expect.stringContaining("the server refuses our key, which is a new one"),
    });
  });

  test("it ends with 80 and says why if the server would not have it", async () => {
    const { address, server, cwd } = await host();
    const others = { server, other: curveKeyPair() };
    for (const [name, pair] of Object.entries(others))
      writeFileSync(join(cwd, `${name}.key_secret`), certificateTexts(pair).secret);
    writeFileSync(join(cwd, "other.key"), certificateTexts(others.other).public);
    const open = addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT } } }), "e");
    for (const [target, flags, text] of [
      [address, SERVER, "the server refuses our key, which is a new one (ZAP 400)"],
      [address, [...SERVER, "--certificate", "other.key_secret"], "the server refuses our key (ZAP 400)"],
      [address, ["--server-key", "other.key", ...OWN], "the server cuts the CURVE handshake: its key is another"],
      [open, SERVER, "the server asks for no keys, so whatever is sent would not be encrypted"],
    ] as const) {
      const { code, stdout, stderr } = await run(["tap", ANY_PORT, target, ...flags], inFolder(cwd));
      expect([code, stdout]).toEqual([80, ""]);
      expect(stderr).toContain(`zmqecho: unauthenticated: ${target}: ${text}`);
    }
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });

  test("a key that the server takes no more is told of while it runs", async () => {
    const { address, host: started, cwd, allow } = await host();
    const tapped = await tap(address, [...SERVER, ...OWN], inFolder(cwd));
    expect(await ask(req(tapped.address), "1")).toEqual(["1"]);
    rmSync(join(allow, "me.key"));
    await started.reload();
    const socket = req(tapped.address);
    await socket.send("2");
    await tapped.said(`unauthenticated: ${address}: the server refuses our key (ZAP 400)`);
  });

  test("a LISTEN that others can reach is warned of: it opens the server to them", async () => {
    const { address, cwd } = await host();
    const tapped = await tap(address, [...SERVER, ...OWN], inFolder(cwd), "tcp://*:*");
    await tapped.said(
      `is open to whoever reaches this machine, and so is ${address}, which asks them for no keys there`,
    );
  });
});

describe("with keys of its own for clients", () => {
  const LISTEN = ["--listen-certificate", "server.key_secret", "--allow", "clients"];

  function clientsOf(cwd: string, pairs: Readonly<Record<string, Pair>>): void {
    mkdirSync(join(cwd, "clients"));
    for (const [name, pair] of Object.entries(pairs))
      writeFileSync(join(cwd, "clients", `${name}.key`), certificateTexts(pair).public);
  }

  /** What becomes of a request. */
  async function outcome(address: string, keys?: { server: Pair; own: Pair }): Promise<string> {
    const socket = req(address, keys);
    const { events } = socket;
    const failed = new Promise<string>((resolve) => {
      events.on("handshake:error:auth", ({ error }) => resolve(`refused ${error.status}`));
    });
    await socket.send("hello");
    return Promise.race([failed, socket.receive().then(String)]);
  }

  test("it has the server's own certificate, and clients with theirs talk through it as to the server", async () => {
    const { address, server, cwd } = await host();
    const [ann, eve] = [curveKeyPair(), curveKeyPair()];
    clientsOf(cwd, { ann });
    const tapped = await tap(address, [...SERVER, ...OWN, ...LISTEN], inFolder(cwd), "tcp://*:*");
    const at = tapped.address.replace("0.0.0.0", "127.0.0.1");
    expect(await outcome(at, { server, own: ann })).toBe("hello");
    expect(await outcome(at, { server, own: eve })).toBe("refused 400");
    for (const [flags, text] of [
      [[], "the server asks for CURVE keys; give its public key"],
      [["--server-key", "me.key"], "the server cuts the CURVE handshake"],
      [SERVER, "the server refuses our key, which is a new one (ZAP 400)"],
    ] as const)
      expect(await run(["send", at, ...flags], { cwd })).toMatchObject({
        code: 80,
        stderr: expect.stringContaining(text),
      });
    const { stdout, stderr } = await tapped.stop();
    expect(lines(stdout)).toEqual(["-> #1 hello", "<- #1 hello"]);
    expect(stderr).toContain("refused clients whose keys are not allowed (");
    expect(stderr).not.toContain("is open to whoever");
  });

  test("it stands before a server that asks for none, too", async () => {
    const open = addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT } } }), "e");
    const [server, ann] = [curveKeyPair(), curveKeyPair()];
    const cwd = certificates({ server });
    clientsOf(cwd, { ann });
    const tapped = await tap(open, LISTEN, inFolder(cwd));
    expect(await outcome(tapped.address, { server, own: ann })).toBe("hello");
    expect((await tapped.stop()).stdout).toContain("<- #1 hello");
  });

  test("the folder is followed: who comes is let in, who goes is cut off, and the others stay", async () => {
    const { address, server, cwd } = await host();
    const [ann, bob] = [curveKeyPair(), curveKeyPair()];
    clientsOf(cwd, { ann });
    const tapped = await tap(address, [...SERVER, ...OWN, ...LISTEN], inFolder(cwd));
    const hers = req(tapped.address, { server, own: ann });
    expect(await ask(hers, "1")).toEqual(["1"]);
    const bobs = join(cwd, "clients", "bob.key");
    writeFileSync(bobs, certificateTexts(bob).public);
    const his = () => outcome(tapped.address, { server, own: bob });
    await expect.poll(his, { timeout: 5000 }).toBe("hello");
    const live = req(tapped.address, { server, own: bob });
    expect(await ask(live, "2")).toEqual(["2"]);
    const cut = new Promise((resolve) => live.events.on("disconnect", resolve));
    rmSync(bobs);
    await cut;
    expect(await his()).toBe("refused 400");
    expect(await ask(hers, "3")).toEqual(["3"]);
    rmSync(join(cwd, "clients"), { recursive: true });
    await tapped.said("there is no such folder; nobody is let in");
    await expect.poll(() => outcome(tapped.address, { server, own: ann }), { timeout: 5000 }).toBe("refused 400");
  });

  test.each([
    ["one without the other", ["--allow", "clients"], "--listen-certificate and --allow go together"],
    ["a folder that is not there", LISTEN, "there is no such folder; nobody is let in"],
    ["a certificate without a secret", ["--listen-certificate", "server.key", "--allow", "."], "it has no secret-key"],
  ])("2 for %s", async (_, flags, text) => {
    const cwd = certificates({ server: curveKeyPair() });
    const { code, stderr } = await run(["tap", ANY_PORT, "tcp://127.0.0.1:1", ...flags], inFolder(cwd));
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
    expect(readdirSync(join(cwd, "tmp"))).toEqual([]);
  });

  test("no key is in what it prints, records, or in the arguments of its process", async () => {
    const { address, server, me, cwd } = await host();
    const ann = curveKeyPair();
    clientsOf(cwd, { ann });
    const flags = ["--record", "r.jsonl", ...SERVER, ...OWN, ...LISTEN];
    const tapped = await tap(address, flags, inFolder(cwd));
    expect(await outcome(tapped.address, { server, own: ann })).toBe("hello");
    expect(await outcome(tapped.address, { server, own: me })).toBe("refused 400");
    const args = readFileSync(`/proc/${tapped.pid}/cmdline`, "utf8");
    const { stdout, stderr } = await tapped.stop();
    const all = [args, stdout, stderr, readFileSync(join(cwd, "r.jsonl"), "utf8")].join("\n");
    for (const { publicKey, secretKey } of [server, me, ann])
      for (const key of [publicKey, secretKey]) {
        expect(all).not.toContain(key.slice(5, 20));
        expect(all).not.toContain(decodeZ85(key)?.toString("hex").slice(0, 16));
      }
  });
});
