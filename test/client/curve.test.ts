/** CURVE keys on the client's side, against servers that are not ours. */
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { curveKeyPair, Publisher, Reply } from "zeromq";
import { createBareDealer } from "../../src/client/bare-dealer.ts";
import { type ClientOptions, createClient } from "../../src/client/create-client.ts";
import { curveKeysFrom } from "../../src/client/curve.ts";
import { certificateTexts, readCertificate } from "../../src/curve/certificate.ts";
import { decodeZ85 } from "../../src/curve/z85.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { folderWith } from "../config/folder.ts";
import { curveBroker, curveServer, openServer } from "../curve-servers.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";

/** A failure that came at the timeout would be told as one, and the test's own would be sooner. */
const LONG_MS = 60_000;

function client(connect: string | string[], options: Partial<ClientOptions> = {}) {
  const made = createClient({ connect, timeoutMs: LONG_MS, ...options });
  onTestFinished(() => made.close());
  return made;
}

async function failureOf(call: Promise<unknown>): Promise<ZmqEchoError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!ZmqEchoError.is(error)) throw new Error("it did not fail", { cause: error });
  return error;
}

describe("a server that asks for keys", () => {
  test("takes a call alone, and fifty at once", async () => {
    const { address, keys } = await curveServer();
    const asker = client(address, { curve: { serverKey: keys.publicKey } });
    expect(String(await asker.request("hi"))).toBe("hi");
    const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
    expect((await Promise.all(texts.map((text) => asker.request(text)))).map(String)).toEqual(texts);
  });

  test("takes frames as they are over a bare DEALER", async () => {
    const { address, keys } = await curveServer();
    const curve = curveKeysFrom({ serverKey: keys.publicKey });
    const dealer = createBareDealer({ connect: [address], timeoutMs: LONG_MS, wait: false, curve });
    onTestFinished(() => dealer.close());
    expect((await dealer.exchange([Buffer.from("a"), Buffer.from("b")])).map(String)).toEqual(["a", "b"]);
  });

  test("knows us by the pair that is given, over every socket", async () => {
    const pair = curveKeyPair();
    const allowed = decodeZ85(pair.publicKey);
    const { address, keys } = await curveServer({ zap: (key) => (allowed?.equals(key) ? "200" : "400") });
    const asker = client(address, { curve: { serverKey: keys.publicKey, ...pair } });
    expect((await Promise.all(["1", "2"].map((text) => asker.request(text)))).map(String)).toEqual(["1", "2"]);
    expect(String(await asker.request("3"))).toBe("3");
  });

  test("that starts again with the same keys is found again", async () => {
    const first = await curveServer();
    const { keys, address } = first;
    const asker = client(address, { curve: { serverKey: keys.publicKey }, retries: 10 });
    expect(String(await asker.request("1"))).toBe("1");
    const closed = new Promise((resolve) => first.socket.events.on("end", resolve));
    first.socket.close();
    await closed;
    await curveServer({ keys, address });
    expect(String(await asker.request("2"))).toBe("2");
  });

  test("takes calls by name, many in one message", async () => {
    const host = await startHost(
      { endpoints: { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 64 } } },
      { twice: (value) => Number(value) * 2 },
    );
    const { address, keys, passed } = await curveBroker(addressOf(host, "all"));
    const asker = client(address, { codec: "json", curve: { serverKey: keys.publicKey } });
    const numbers = Array.from({ length: 50 }, (_, index) => index);
    for (const round of [1, 2]) {
      const replies = await Promise.all(numbers.map((number) => asker.call("twice", number * round)));
      expect(replies).toEqual(numbers.map((number) => number * round * 2));
    }
    // Fifty of the first round, the question whether it takes batches, and few for the fifty of the second.
    expect(passed()).toBeLessThan(60);
  });

  test("that hangs up once, as one that restarts does, is asked again", async () => {
    const { address, keys } = await curveServer();
    const { port } = new URL(address);
    let cut = 0;
    const front = createServer((peer) => {
      if (cut++ === 0) peer.once("data", () => peer.destroy());
      else peer.pipe(connect(Number(port), "127.0.0.1").on("error", () => peer.destroy())).pipe(peer);
      peer.on("error", () => peer.destroy());
    });
    onTestFinished(() => void front.close());
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    const to = `tcp://127.0.0.1:${(front.address() as AddressInfo).port}`;
    expect(String(await client(to, { curve: { serverKey: keys.publicKey } }).request("hi"))).toBe("hi");
  });

  test("that is not there yet is waited for", async () => {
    const address = await deadAddress();
    const keys = curveKeyPair();
    const reply = client(address, { curve: { serverKey: keys.publicKey }, wait: true }).request("hi");
    await curveServer({ keys, address });
    expect(String(await reply)).toBe("hi");
  });
});

// Whether it is told to wait or not: to try again would end in the same way.
describe.each([false, true])("unauthenticated at once, with wait: %s,", (wait) => {
  test("if the server refuses our key", async () => {
    const { address, keys } = await curveServer({ zap: () => "400" });
    const curve = { serverKey: keys.publicKey, ...curveKeyPair() };
    const error = await failureOf(client(address, { curve, wait, retries: 5 }).request("x"));
    expect(error).toMatchObject({
      code: "unauthenticated",
      message: `${address}: the server refuses our key (ZAP 400); its public half is to be among those that the server allows`,
    });
  });

  test("if the server refuses a key that was made up", async () => {
    const { address, keys } = await curveServer({ zap: () => "400" });
    const error = await failureOf(client(address, { curve: { serverKey: keys.publicKey }, wait }).request("x"));
    expect(error).toMatchObject({
      code: "unauthenticated",
      message: `${address}: the server refuses our key, which is a new one (ZAP 400); give one that it allows, as --certificate or in "curve"`,
    });
  });

  test("if we have no keys and the server asks for them", async () => {
    const { address } = await curveServer();
    expect(await failureOf(client(address, { wait }).request("x"))).toMatchObject({
      code: "unauthenticated",
      message: `${address}: the server asks for CURVE keys; give its public key, as --server-key or as "curve"`,
    });
  });

  test("if we have keys and the server asks for none", async () => {
    const address = await openServer();
    const curve = { serverKey: curveKeyPair().publicKey };
    expect(await failureOf(client(address, { curve, wait }).request("x"))).toMatchObject({
      code: "unauthenticated",
      message: `${address}: the server asks for no keys, so whatever is sent would not be encrypted; leave out --server-key or "curve" to talk to it so`,
    });
  });

  test("if the server has another key", async () => {
    const { address } = await curveServer();
    const curve = { serverKey: curveKeyPair().publicKey };
    expect(await failureOf(client(address, { curve, wait }).request("x"))).toMatchObject({
      code: "unauthenticated",
      message: expect.stringMatching(
        `^${address}: the server cuts the CURVE handshake: its key is another than the server key given, `,
      ),
    });
  });

  test("if the server asks for a password", async () => {
    const socket = new Reply({ linger: 0, plainServer: true });
    onTestFinished(() => socket.close());
    await socket.bind(ANY_PORT);
    expect(await failureOf(client(socket.lastEndpoint ?? "", { wait }).request("x"))).toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("the server asks for a name and a password (PLAIN)"),
    });
  });

  test("if no server of several would have us", async () => {
    const [refusing, open] = await Promise.all([curveServer({ zap: () => "400" }), openServer()]);
    const curve = { serverKey: refusing.keys.publicKey };
    const error = await failureOf(client([refusing.address, open], { curve, wait }).request("x"));
    expect(error.code).toBe("unauthenticated");
    expect(error.message).toMatch(/refuses our key.*; .*asks for no keys/);
  });

  test("for each of many calls", async () => {
    const { address, keys } = await curveServer({ zap: () => "400" });
    const asker = client(address, { curve: { serverKey: keys.publicKey }, wait });
    const errors = await Promise.all(Array.from({ length: 50 }, () => failureOf(asker.request("x"))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["unauthenticated"]));
  });
});

describe("the same from here as a server with another key:", () => {
  const cut = expect.stringContaining("the server cuts the CURVE handshake");

  test("a socket of another type", async () => {
    const keys = curveKeyPair();
    const socket = new Publisher({ linger: 0, curveServer: true, curveSecretKey: keys.secretKey });
    onTestFinished(() => socket.close());
    await socket.bind(ANY_PORT);
    const error = await failureOf(
      client(socket.lastEndpoint ?? "", { curve: { serverKey: keys.publicKey } }).request("x"),
    );
    expect(error).toMatchObject({ code: "unauthenticated", message: cut });
  });
});

test("a server whose check of keys fails may take us later", async () => {
  const { address, keys } = await curveServer({ zap: () => "500" });
  const error = await failureOf(client(address, { curve: { serverKey: keys.publicKey } }).request("x"));
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("its check of keys failed") });
});

test("a server whose check of keys does not end is waited for until the deadline", async () => {
  const { address, keys } = await curveServer({ zap: () => "silence" });
  const curve = { serverKey: keys.publicKey };
  const error = await failureOf(client(address, { curve, timeoutMs: 200 }).request("x"));
  expect(error).toMatchObject({
    code: "unavailable",
    message: `${address}: the server asks for CURVE keys, and the handshake with ours did not come to its end (tried for 200 ms)`,
  });
});

test("a server that refuses us is passed over for one that does not", async () => {
  const keys = curveKeyPair();
  const refusing = await curveServer({ keys, zap: () => "400" });
  const taking = await curveServer({ keys });
  const asker = client([refusing.address, taking.address], { curve: { serverKey: keys.publicKey } });
  for (const text of ["1", "2", "3"]) expect(String(await asker.request(text))).toBe(text);
});

test("a server that is not there may come back, whatever the other one says", async () => {
  const { address, keys } = await curveServer({ zap: () => "400" });
  const asker = client([address, await deadAddress()], { curve: { serverKey: keys.publicKey } });
  const error = await failureOf(asker.request("x"));
  expect(error.code).toBe("unavailable");
  expect(error.message).toMatch(/refuses our key.*; .*connection refused/);
});

test("whatever is no ZeroMQ is told as without keys", async () => {
  const address = await deadAddress();
  const curve = { serverKey: curveKeyPair().publicKey };
  expect(await failureOf(client(address, { curve }).request("x"))).toMatchObject({
    code: "unavailable",
    message: `${address}: connection refused; nobody listens there`,
  });
});

describe("what is no key, or half a pair, is invalid_argument, and never in the text", () => {
  const { publicKey, secretKey } = curveKeyPair();
  const short = secretKey.slice(1);
  test.each([
    ["a short server key", { serverKey: short }, "curve.serverKey is no key: one is 40 characters of Z85"],
    ["a server key of other characters", { serverKey: `"${short}` }, "curve.serverKey is no key"],
    ["a server key of bytes", { serverKey: Buffer.alloc(32) as never }, "curve.serverKey is no key"],
    ["no server key", {} as never, "curve.serverKey is no key"],
    ["a short public key", { serverKey: publicKey, publicKey: short, secretKey }, "curve.publicKey is no key"],
    ["a short secret key", { serverKey: publicKey, publicKey, secretKey: short }, "curve.secretKey is no key"],
    ["a public key alone", { serverKey: publicKey, publicKey }, "curve.publicKey goes with curve.secretKey"],
    [
      "keys that are no pair",
      { serverKey: publicKey, publicKey: curveKeyPair().publicKey, secretKey },
      "curve.publicKey and curve.secretKey are no pair",
    ],
    ["a secret key alone", { serverKey: publicKey, secretKey }, "curve.secretKey goes with curve.publicKey"],
  ])("%s", (_, curve, text) => {
    const make = () => createClient({ connect: "tcp://127.0.0.1:1", curve });
    expect(make).toThrow(text);
    expect(make).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    for (const key of [short, publicKey.slice(1)]) expect(make).not.toThrow(key);
  });
});

test("a host without keys is not talked to by a client that has some, by name neither", async () => {
  const host = await startHost({ endpoints: { all: { bind: ANY_PORT, handlers: ["*"] } } }, { echo: (value) => value });
  const curve = { serverKey: curveKeyPair().publicKey };
  const asker = client(addressOf(host, "all"), { curve });
  expect((await failureOf(asker.call("echo", "x"))).code).toBe("unauthenticated");
});

describe("readCertificate", () => {
  const pair = curveKeyPair();
  const texts = certificateTexts(pair);
  const folder = () => {
    const path = folderWith({});
    writeFileSync(join(path, "a.key"), texts.public);
    writeFileSync(join(path, "a.key_secret"), texts.secret);
    writeFileSync(
      join(path, "odd"),
      texts.secret.replace(pair.publicKey, () => curveKeyPair().publicKey),
    );
    return path;
  };

  test("gives the public key of a public certificate, and the pair of a secret one", async () => {
    const path = folder();
    expect(await readCertificate(join(path, "a.key"))).toEqual({ publicKey: pair.publicKey });
    expect(await readCertificate(join(path, "a.key_secret"))).toEqual(pair);
  });

  test("rejects for what is no pair, and for no file, and names it", async () => {
    const path = folder();
    for (const name of ["odd", "none"]) {
      const file = join(path, name);
      expect(await failureOf(readCertificate(file))).toMatchObject({
        code: "invalid_argument",
        message: expect.stringMatching(`^${file}: `),
      });
    }
  });
});
