import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { curveKeyPair, Dealer, Publisher, Pull, Push, Reply, Router, type Socket as ZmqSocket } from "zeromq";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run } from "../processes.ts";

type Binding = ZmqSocket & { bind(address: string): Promise<void>; close(): void };

async function bound(socket: Binding, address = ANY_PORT): Promise<string> {
  onTestFinished(() => socket.close());
  await socket.bind(address);
  return socket.lastEndpoint ?? "";
}

async function listening(server: Server): Promise<string> {
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await run(["ping", "-o", "json", ...args]);
  return {
    code,
    stderr,
    told: stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  };
};

describe("a socket that takes requests", () => {
  test.each([
    ["REP", () => new Reply({ linger: 0 })],
    ["ROUTER", () => new Router({ linger: 0 })],
  ] as const)("of type %s is told of, and it exits with 0", async (type, make) => {
    const address = await bound(make());
    const { code, stdout, stderr } = await run(["ping", address]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^${address}: a ${type} socket is there \\(ZMTP 3\\.1, NULL, [\\d.]+ ms\\)\n$`));
  });

  test("gets no message", async () => {
    const server = new Reply({ linger: 0, receiveTimeout: 200 });
    const address = await bound(server);
    expect((await run(["ping", address, "--count", "3", "--interval", "0"])).code).toBe(0);
    await expect(server.receive()).rejects.toMatchObject({ code: "EAGAIN" });
  });

  test("behind a path is told of too", async () => {
    const path = join(folderWith({}), "s");
    const address = await bound(new Reply({ linger: 0 }), `ipc://${path}`);
    expect(await json(address)).toMatchObject({
      code: 0,
      told: [{ ok: true, code: "ok", address, reached: true, zmtp: "3.1", mechanism: "NULL", socketType: "REP" }],
    });
  });
});

test.each([
  ["PUB", () => new Publisher({ linger: 0 })],
  ["PUSH", () => new Push({ linger: 0 })],
  ["PULL", () => new Pull({ linger: 0 })],
  ["DEALER", () => new Dealer({ linger: 0 })],
] as const)("a %s socket is there, and of no use for requests: 73", async (type, make) => {
  const address = await bound(make());
  expect(await run(["ping", address])).toMatchObject({
    code: 73,
    stdout: "",
    stderr: `zmqecho: failed_precondition: ${address}: a ${type} socket is there; requests need a REP or ROUTER\n`,
  });
  expect((await json(address)).told).toMatchObject([{ ok: false, code: "failed_precondition", socketType: type }]);
});

describe("80 for a server that asks", () => {
  test("for CURVE keys", async () => {
    const server = new Reply({ linger: 0, curveServer: true, curveSecretKey: curveKeyPair().secretKey });
    const address = await bound(server);
    expect(await run(["ping", address])).toMatchObject({
      code: 80,
      stderr: `zmqecho: unauthenticated: ${address}: the server asks for CURVE keys; give its public key, as --server-key or as "curve"\n`,
    });
    expect((await json(address)).told).toMatchObject([{ reached: true, zmtp: "3.1", mechanism: "CURVE" }]);
  });

  test("for a password", async () => {
    const address = await bound(new Reply({ linger: 0, plainServer: true }));
    const { code, stderr } = await run(["ping", address]);
    expect([code, stderr]).toEqual([
      80,
      `zmqecho: unauthenticated: ${address}: the server asks for a name and a password (PLAIN)\n`,
    ]);
  });
});

describe("78 where", () => {
  async function words(address: string, ...flags: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(["ping", address, ...flags]);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    return stderr.replace("zmqecho: unavailable: ", "").replace(`${address}: `, "").trimEnd();
  }

  test("nobody listens", async () => {
    expect(await words(await deadAddress())).toBe("connection refused; nobody listens there");
    expect(await words(`ipc://${join(folderWith({}), "none")}`)).toBe("no such socket");
  });

  test("there is no such host", async () => {
    expect(await words("tcp://nobody.invalid:5555")).toBe("no such host");
  });

  test("an HTTP server is", async () => {
    expect(await words(await listening(createHttpServer()))).toBe("not ZeroMQ (it speaks HTTP)");
  });

  test("an SSH server is, or something without a name", async () => {
    const says = (text: string) => listening(createServer((peer) => peer.on("error", () => {}).write(text)));
    expect(await words(await says("SSH-2.0-x\r\n"))).toBe("not ZeroMQ (it speaks SSH)");
    expect(await words(await says("hello\n"))).toBe("not ZeroMQ; something else is there");
  });

  test("a server says nothing", async () => {
    const peers = new Set<Socket>();
    const address = await listening(createServer((peer) => peers.add(peer)));
    onTestFinished(() => peers.forEach((peer) => void peer.destroy()));
    expect(await words(address, "-t", "200")).toBe("connected, but it says nothing: not a ZeroMQ peer");
  });

  test("a server closes at once", async () => {
    expect(await words(await listening(createServer((peer) => peer.on("error", () => {}).end())))).toMatch(
      /^it (closes the connection at once|cuts the connection): not a ZeroMQ peer/,
    );
  });
});

describe("with ZEP/1", () => {
  const ENDPOINTS = { gateway: { bind: ANY_PORT, handlers: ["*"] }, plain: { bind: ANY_PORT } };

  test("--zep says which endpoint answers, and how fast", async () => {
    const address = addressOf(await startHost({ endpoints: ENDPOINTS }), "gateway");
    expect((await run(["ping", address, "--zep"])).stdout).toMatch(
      /; endpoint "gateway" answers ZEP\/1 \([\d.]+ ms\)\n$/,
    );
    expect((await json(address, "--zep")).told).toMatchObject([
      { ok: true, socketType: "ROUTER", zep: { endpoint: "gateway", ms: expect.any(Number) } },
    ]);
  });

  test("--zep fails where it is not spoken", async () => {
    const address = addressOf(await startHost({ endpoints: ENDPOINTS }), "plain");
    const { code, stderr } = await run(["ping", address, "--zep"]);
    expect([code, stderr]).toEqual([76, expect.stringContaining(`${address}: the server does not speak ZEP/1`)]);
  });

  test("an endpoint of the configuration is asked if it serves by name", async () => {
    const host = await startHost({ endpoints: ENDPOINTS });
    const endpoints = {
      gateway: { bind: addressOf(host, "gateway"), handlers: ["*"] },
      plain: { bind: addressOf(host, "plain") },
    };
    const cwd = folderWith({ "zmqecho.config.json": JSON.stringify({ endpoints }) });
    const first = await run(["ping"], { cwd });
    expect(first).toMatchObject({ code: 0, stderr: `zmqecho: to endpoint gateway, ${endpoints.gateway.bind}\n` });
    expect(first.stdout).toContain("answers ZEP/1");
    const plain = await run(["ping", "--endpoint", "plain"], { cwd });
    expect([plain.code, plain.stderr]).toEqual([0, ""]);
    expect(plain.stdout).not.toContain("ZEP");
  });
});

test("--count looks as often, and one of several addresses is enough", async () => {
  const [dead, live] = [await deadAddress(), await bound(new Reply({ linger: 0 }))];
  const { code, told } = await json("-c", dead, "-c", live, "--count", "2", "--interval", "0");
  expect(code).toBe(0);
  expect(told.map(({ address, ok }) => [address, ok])).toEqual([
    [dead, false],
    [live, true],
    [dead, false],
    [live, true],
  ]);
});

test("a target and an unknown name", async () => {
  const live = await bound(new Reply({ linger: 0 }));
  const cwd = folderWith({ "zmqecho.config.json": JSON.stringify({ targets: { prod: { connect: live } } }) });
  expect((await run(["ping", "--endpoint", "prod"], { cwd })).code).toBe(0);
  expect(await run(["ping", "--endpoint", "prd"], { cwd })).toMatchObject({
    code: 2,
    stderr: 'zmqecho: there is no endpoint or target "prd"; did you mean "prod"?\n',
  });
  expect((await run(["ping", "tcp://*:1"])).code).toBe(2);
});
