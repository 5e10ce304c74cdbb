/** The client against servers that are not ours, and against what is no server. */
import { createServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { Publisher, Reply, Router } from "zeromq";
import { type ClientOptions, createClient } from "../../src/client/create-client.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";

function client(connect: string | string[], options: Partial<ClientOptions> = {}) {
  const made = createClient({ connect, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** A bare REP server that answers each request with what `answer` gives. */
async function bareServer(answer: (request: Buffer) => string | Buffer[] | Promise<string>, address = ANY_PORT) {
  const socket = new Reply({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(address);
  void (async () => {
    for await (const [request] of socket) await socket.send(await answer(request ?? Buffer.alloc(0)));
  })();
  return { socket, address: socket.lastEndpoint ?? "" };
}

async function tcpServer(onConnect: (send: (text: string) => void) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    onConnect((text) => socket.end(text));
    onTestFinished(() => void socket.destroy());
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

test("a deadline that passes while the connection is being made is one that passed, not a server that is missing", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT } } });
  for (let tries = 0; tries < 20; tries++) {
    const asker = createClient({ connect: addressOf(host, "e"), timeoutMs: 1 });
    onTestFinished(() => asker.close());
    const failure = await asker.request("x").then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined)
      expect(failure).toMatchObject({ code: "deadline_exceeded", message: expect.stringMatching(/within 1 ms/) });
  }
});

test("asks a bare REP server", async () => {
  const { address } = await bareServer((request) => `you said ${request}`);
  expect(await client(address, { codec: "raw" }).request("hi")).toEqual(Buffer.from("you said hi"));
});

test("asks a ROUTER that expects the three frames of a plain REQ", async () => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  void (async () => {
    for await (const [id, empty, body, ...more] of socket) {
      await socket.send([id ?? "", empty ?? "", more.length === 0 ? (body ?? "") : "too many frames"]);
    }
  })();
  expect(String(await client(socket.lastEndpoint ?? "").request("hi"))).toBe("hi");
});

test("sends requests one after the other, in order", async () => {
  const { address } = await bareServer((request) => `${request}`);
  const asker = client(address);
  const replies = await Promise.all(["1", "2", "3", "4"].map((text) => asker.request(text)));
  expect(replies.map(String)).toEqual(["1", "2", "3", "4"]);
});

test("says at once that a connection is refused", async () => {
  const address = await deadAddress();
  const error = await failureOf(client(address, { timeoutMs: 60_000 }).request("x"));
  expect(error).toMatchObject({ code: "unavailable", message: `${address}: connection refused; nobody listens there` });
});

test("says at once that there is no such host", async () => {
  const error = await failureOf(client("tcp://no-such-host.invalid:1", { timeoutMs: 60_000 }).request("x"));
  expect(error).toMatchObject({ code: "unavailable", message: "tcp://no-such-host.invalid:1: no such host" });
});

test("says at once that there is no such ipc socket", async () => {
  const error = await failureOf(client("ipc:///tmp/zmqecho-nowhere/socket", { timeoutMs: 60_000 }).request("x"));
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("no such socket") });
});

test("says that a PUB socket is there", async () => {
  const socket = new Publisher({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const error = await failureOf(client(socket.lastEndpoint ?? "", { timeoutMs: 60_000 }).request("x"));
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("a PUB socket is there") });
});

test("says that an HTTP server is there", async () => {
  const address = await tcpServer((send) => send("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const error = await failureOf(client(address, { timeoutMs: 60_000 }).request("x"));
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("it speaks HTTP") });
});

test("says that a server which never says anything is no ZeroMQ peer", async () => {
  const address = await tcpServer(() => undefined);
  const error = await failureOf(client(address, { timeoutMs: 100 }).request("x"));
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("not a ZeroMQ peer") });
});

test("says that no answer came in time, and asks again on a fresh socket", async () => {
  let asked = 0;
  const { address } = await bareServer(async () => {
    asked++;
    // The first answer comes late, and must not be taken for the second's.
    if (asked === 1) await new Promise((resolve) => setTimeout(resolve, 150));
    return `answer ${asked}`;
  });
  const asker = client(address);
  expect(await failureOf(asker.request("x", { timeoutMs: 50 }))).toMatchObject({
    code: "deadline_exceeded",
    message: `no answer from ${address} within 50 ms`,
  });
  expect(String(await asker.request("y"))).toBe("answer 2");
});

test("says that the connection was lost while it waited", async () => {
  const { socket, address } = await bareServer(() => new Promise(() => undefined));
  const asked = new Promise((resolve) => socket.events.on("handshake", resolve));
  const waiting = failureOf(client(address, { timeoutMs: 60_000 }).request("x"));
  await asked;
  socket.close();
  expect(await waiting).toMatchObject({ code: "unavailable" });
});

test("takes the reply of a server that closes right after sending it", async () => {
  const large = Buffer.alloc(1_000_000, "x");
  for (let round = 0; round < 20; round++) {
    const socket = new Reply({ linger: 5000 });
    await socket.bind(ANY_PORT);
    const address = socket.lastEndpoint ?? "";
    const served = (async () => {
      await socket.receive();
      await socket.send(large);
      socket.close();
    })();
    const asker = client(address);
    expect(await asker.request("x")).toHaveLength(large.length);
    await served;
    await asker.close();
  }
});

test("comes back after its server did", async () => {
  const first = await bareServer(() => "first");
  const asker = client(first.address);
  expect(String(await asker.request("x"))).toBe("first");
  const closed = new Promise((resolve) => first.socket.events.on("end", resolve));
  first.socket.close();
  await closed;
  await bareServer(() => "second", first.address);
  expect(String(await client(first.address, { wait: true }).request("x"))).toBe("second");
  expect(String(await asker.request("x"))).toBe("second");
});

test("waits for a server if told to", async () => {
  const address = await deadAddress();
  const waiting = client(address, { wait: true }).request("x");
  await bareServer(() => "here I am", address);
  expect(String(await waiting)).toBe("here I am");
});

test("passes over an address where nobody is", async () => {
  const { address } = await bareServer(() => "alive");
  const asker = client([await deadAddress(), address]);
  expect(String(await asker.request("x"))).toBe("alive");
  expect(String(await asker.request("x"))).toBe("alive");
});

test("passes over an address that accepts and says nothing", async () => {
  const { address } = await bareServer(() => "alive");
  expect(String(await client([await tcpServer(() => undefined), address]).request("x"))).toBe("alive");
});

test("says of each address why it can't be used", async () => {
  const [one, other] = [await deadAddress(), await deadAddress()];
  expect(await failureOf(client([one, other]).request("x"))).toMatchObject({
    message: `${one}: connection refused; nobody listens there; ${other}: connection refused; nobody listens there`,
  });
});

test("retries what may pass, as often as told", async () => {
  let asked = 0;
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "shy" } } },
    {
      shy: () => {
        if (++asked < 3) throw new ZmqEchoError("unavailable", "not yet");
        return "now";
      },
    },
  );
  expect(String(await client(addressOf(host, "e"), { retries: 2 }).request("x"))).toBe("now");
  expect(asked).toBe(3);
});

test("does not retry what would fail again", async () => {
  let asked = 0;
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "strict" } } },
    {
      strict: () => {
        asked++;
        throw new ZmqEchoError("invalid_argument", "never");
      },
    },
  );
  expect(await failureOf(client(addressOf(host, "e"), { retries: 5 }).request("x"))).toMatchObject({
    message: "never",
  });
  expect(asked).toBe(1);
});

test("does not retry a call whose reply is over its limit: it has been run", async () => {
  let asked = 0;
  const { address } = await bareServer(() => {
    asked++;
    return "x".repeat(150);
  });
  const asker = client(address, { retries: 3, limits: { maxMessageBytes: 100 } });
  expect(await failureOf(asker.request("x"))).toMatchObject({ code: "resource_exhausted" });
  expect(asked).toBe(1);
});

test("does not send what is canceled already", async () => {
  let asked = 0;
  const { address } = await bareServer(() => `${++asked}`);
  const asker = client(address);
  expect(String(await asker.request("x"))).toBe("1");
  expect(await failureOf(asker.request("x", { signal: AbortSignal.abort() }))).toMatchObject({ code: "canceled" });
  expect(String(await asker.request("x"))).toBe("2");
});

test.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])("refuses a timeout of %s", async (timeoutMs) => {
  const address = await deadAddress();
  expect(await failureOf(client(address).request("x", { timeoutMs }))).toMatchObject({
    code: "invalid_argument",
    message: expect.stringContaining("timeoutMs takes 1 to 2147483647 milliseconds"),
  });
  expect(() => createClient({ connect: address, timeoutMs })).toThrow("timeoutMs takes");
});

test("asks for no longer a deadline than the wire has room for", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } });
  const asker = client(addressOf(host, "e"), { codec: "json" });
  expect(await asker.call("echo", 1, { timeoutMs: 2 ** 31 - 1 })).toBe(1);
});

test.each([[[]], [["text"]], ["bytes"]])("refuses %j as a body", async (body) => {
  expect(await failureOf(client(await deadAddress()).exchange(body as never))).toMatchObject({
    code: "invalid_argument",
    message: "a body is a list of one or more Uint8Array",
  });
});

test("keeps no reply that its caller has let go of", async () => {
  const { address } = await bareServer(() => [Buffer.alloc(1_000_000)]);
  const asker = client(address);
  await asker.request("x");
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const bytes = (): number => {
    collect();
    return process.memoryUsage().external + process.memoryUsage().arrayBuffers;
  };
  const before = bytes();
  for (let i = 0; i < 100; i++) await asker.request("x");
  // Buffers from libzmq are freed in a later turn than the objects that hold them.
  await new Promise(setImmediate);
  collect();
  await new Promise(setImmediate);
  expect(bytes() - before).toBeLessThan(20_000_000);
});

test("a handler's own failing call is not its caller's business", async () => {
  const nobody = await deadAddress();
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "asks" } } },
    { asks: (input) => client(nobody).request(input) },
  );
  const error = await failureOf(client(addressOf(host, "e")).request("x"));
  expect(error).toMatchObject({ code: "internal", message: expect.not.stringContaining("refused") });
});

test("stops waiting when its caller cancels", async () => {
  const { address } = await bareServer(() => new Promise(() => undefined));
  const controller = new AbortController();
  const waiting = failureOf(client(address).request("x", { signal: controller.signal }));
  controller.abort();
  expect(await waiting).toMatchObject({ code: "canceled" });
});

test("ends what is under way when it is closed", async () => {
  const { address } = await bareServer(() => new Promise(() => undefined));
  const asker = client(address);
  const waiting = [failureOf(asker.request("x")), failureOf(asker.request("y"))];
  await asker.close();
  for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "canceled" });
});

test("refuses a reply over its limit", async () => {
  const { address } = await bareServer(() => "x".repeat(150));
  const error = await failureOf(client(address, { limits: { maxMessageBytes: 100 } }).request("x"));
  expect(error).toMatchObject({ code: "resource_exhausted", message: "the message has 150 bytes; 100 at most" });
});

test("says that a reply can't be decoded", async () => {
  const { address } = await bareServer(() => "no json");
  const error = await failureOf(client(address, { codec: "json" }).request("x"));
  expect(error).toMatchObject({
    code: "internal",
    message: expect.stringContaining("the reply can't be decoded: json"),
  });
});

test("refuses an input that its codec can't carry, before anything is sent", async () => {
  const error = await failureOf(client(await deadAddress(), { codec: "json" }).request({ n: Number.NaN }));
  expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("$.n") });
});

test("says that a server which is called by name does not speak ZEP", async () => {
  const { address } = await bareServer((request) => String(request));
  const error = await failureOf(client(address).call("echo", "x"));
  expect(error).toMatchObject({ code: "internal", message: expect.stringContaining("did not answer in ZEP/1") });
});

test("hands its deadline to the handler it calls by name", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } },
    { left: (_, context) => context.deadline - Date.now() },
  );
  const left = await client(addressOf(host, "e"), { codec: "json" }).call("left", null, { timeoutMs: 700 });
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(701);
});

test("brings metadata to the handler, without the reserved names", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"] } } },
    { meta: (_, { metadata, requestId }) => ({ metadata, requestId }) },
  );
  const metadata = { tenant: "blue", "request-id": "r-1", traceparent: "00-a-b-01" };
  expect(await client(addressOf(host, "e"), { codec: "json" }).call("meta", null, { metadata })).toEqual({
    metadata: { tenant: "blue" },
    requestId: "r-1",
  });
});

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => new Error(`it succeeded with ${String(value)}`),
    (thrown: unknown) => thrown,
  );
}
