/** Many calls at once through one client, against servers that know nothing of it. */
import { execFile } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { Reply, Router } from "zeromq";
import { type ClientOptions, createClient } from "../../src/client/create-client.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";

function client(connect: string | string[], options: Partial<ClientOptions> = {}) {
  const made = createClient({ connect, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** A REP that echoes, and counts. */
async function echoServer(address = ANY_PORT) {
  const socket = new Reply({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(address);
  const server = { address: socket.lastEndpoint ?? "", asked: 0, socket };
  void (async () => {
    for await (const frames of socket) {
      server.asked++;
      await socket.send(frames);
    }
  })();
  return server;
}

type Frames = readonly Buffer[];

/** A ROUTER whose messages are left to the test. */
async function router(onMessage: (frames: Frames, reply: (frames: Frames) => void) => void) {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const reply = (frames: Frames) => void socket.send([...frames]).catch(() => undefined);
  void (async () => {
    for await (const frames of socket) onMessage(frames, reply);
  })();
  return { socket, address: socket.lastEndpoint ?? "" };
}

const texts = (count: number) => Array.from({ length: count }, (_, index) => `request ${index}`);
const bodyOf = (frames: Frames) =>
  frames.slice(frames.findIndex((frame, index) => index > 0 && frame.length === 0) + 1);

test("10,000 calls at once are all answered by a plain REP, each with its own reply", { timeout: 60_000 }, async () => {
  const { address } = await echoServer();
  const asker = client(address, { timeoutMs: 60_000 });
  const replies = await Promise.all(texts(10_000).map((text) => asker.request(text)));
  expect(replies.map(String)).toEqual(texts(10_000));
});

test("no more than maxInFlight are on the wire", async () => {
  let held: Frames[] = [];
  let most = 0;
  const { address } = await router((frames, reply) => {
    held.push(frames);
    most = Math.max(most, held.length);
    // When no other comes for a while, all there may be have come.
    const count = held.length;
    setTimeout(() => {
      if (held.length !== count) return;
      for (const each of held) reply(each);
      held = [];
    }, 30);
  });
  const asker = client(address, { maxInFlight: 7 });
  await Promise.all(texts(30).map((text) => asker.request(text)));
  expect(most).toBe(7);
});

test("a call that is alone has the envelope of a REQ, and one beside others a number in it", async () => {
  const envelopes: number[] = [];
  const { address } = await router((frames, reply) => {
    envelopes.push(frames.length - bodyOf(frames).length);
    if (envelopes.length !== 2) setTimeout(reply, 50, frames);
    else reply(frames);
  });
  const asker = client(address);
  await asker.request("alone");
  await Promise.all([asker.request("first"), asker.request("second")]);
  await asker.request("alone again");
  expect(envelopes).toEqual([2, 2, 3, 2]);
});

test("replies may come in any order", async () => {
  const held: Frames[] = [];
  const { address } = await router((frames, reply) => {
    held.push(frames);
    if (held.length === 20) for (const each of held.reverse()) reply(each);
  });
  const asker = client(address);
  const replies = await Promise.all(texts(20).map((text) => asker.request(text)));
  expect(replies.map(String)).toEqual(texts(20));
});

test("late replies and second ones are dropped", async () => {
  const held: Frames[] = [];
  const { address } = await router((frames, reply) => {
    const text = String(bodyOf(frames)[0]);
    if (text === "late") {
      held.push(frames);
      return;
    }
    for (const each of held.splice(0)) reply(each);
    reply(frames);
    reply(frames);
  });
  const asker = client(address);
  const beside = asker.request("late", { timeoutMs: 2000 }).catch(String);
  await expect(asker.request("late", { timeoutMs: 50 })).rejects.toMatchObject({ code: "deadline_exceeded" });
  const replies = await Promise.all(texts(10).map((text) => asker.request(text)));
  expect(replies.map(String)).toEqual(texts(10));
  await beside;
});

test("what a server held that dies is unavailable", async () => {
  let asked = 0;
  const { address, socket } = await router(() => {
    if (++asked === 10) socket.close();
  });
  const asker = client(address);
  const results = await Promise.allSettled(texts(10).map((text) => asker.request(text)));
  expect(results.map((result) => result.status === "rejected" && result.reason.code)).toEqual(
    Array(10).fill("unavailable"),
  );
});

test("what a server held that dies is sent again if told to, when it is back", async () => {
  let asked = 0;
  const { address, socket } = await router(() => {
    if (++asked < 10) return;
    socket.close();
    setTimeout(() => void comeBack(), 100);
  });
  const comeBack = async (): Promise<void> => {
    await echoServer(address).catch(comeBack);
  };
  const asker = client(address, { retries: 20 });
  const replies = await Promise.all(texts(10).map((text) => asker.request(text)));
  expect(replies.map(String)).toEqual(texts(10));
});

test("comes back by itself after its server did", async () => {
  const first = await echoServer();
  const asker = client(first.address);
  await Promise.all(texts(5).map((text) => asker.request(text)));
  first.socket.close();
  await expect.poll(() => asker.request("?").catch(({ code }) => code)).toBe("unavailable");
  await expect
    .poll(() =>
      echoServer(first.address).then(
        () => "back",
        () => "taken",
      ),
    )
    .toBe("back");
  const replies = await Promise.all(texts(5).map((text) => asker.request(text)));
  expect(replies.map(String)).toEqual(texts(5));
});

test("several servers share the calls, one after the other and at once", async () => {
  const servers = [await echoServer(), await echoServer(), await echoServer()];
  const asker = client(servers.map(({ address }) => address));
  for (const text of texts(9)) await asker.request(text);
  expect(servers.map(({ asked }) => asked)).toEqual([3, 3, 3]);
  await Promise.all(texts(300).map((text) => asker.request(text)));
  for (const { asked } of servers) expect(asked).toBeGreaterThan(60);
});

test("a slow server gets fewer calls than a quick one", async () => {
  const counts = { slow: 0, quick: 0 };
  const slow = await router((frames, reply) => {
    counts.slow++;
    setTimeout(reply, 100, frames);
  });
  const quick = await router((frames, reply) => {
    counts.quick++;
    reply(frames);
  });
  const asker = client([slow.address, quick.address], { maxInFlight: 8 });
  await Promise.all(texts(200).map((text) => asker.request(text)));
  expect(counts.quick).toBeGreaterThan(3 * counts.slow);
});

test("a server that refuses or is mute is passed over, and not tried again with each call", async () => {
  const mute = createServer();
  onTestFinished(() => void mute.close());
  mute.listen(0, "127.0.0.1");
  await once(mute, "listening");
  const { port } = mute.address() as { port: number };
  let connections = 0;
  mute.on("connection", (socket) => {
    connections++;
    socket.on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
  });
  const good = await echoServer();
  const asker = client([await deadAddress(), `tcp://127.0.0.1:${port}`, good.address]);
  const from = performance.now();
  for (const text of texts(20)) expect(String(await asker.request(text))).toBe(text);
  await Promise.all(texts(100).map((text) => asker.request(text)));
  expect(good.asked).toBe(120);
  // One head start for each of the two sockets; a pause of 300 ms for each call would be 36 s.
  expect(performance.now() - from).toBeLessThan(5000);
  expect(connections).toBeLessThan(20);
});

test("a server that keeps no envelope is asked one at a time with maxInFlight 1", async () => {
  const { address } = await router(([id = Buffer.alloc(0), empty = Buffer.alloc(0), body = Buffer.alloc(0)], reply) =>
    reply([id, empty, body]),
  );
  const careful = client(address, { maxInFlight: 1 });
  const replies = await Promise.all(texts(20).map((text) => careful.request(text)));
  expect(replies.map(String)).toEqual(texts(20));
});

test("a server that keeps no envelope is told of as such", async () => {
  const { address } = await router(([id = Buffer.alloc(0), ...rest], reply) =>
    reply([id, Buffer.alloc(0), rest.at(-1) ?? id]),
  );
  const asker = client(address, { timeoutMs: 300 });
  const results = await Promise.allSettled(texts(3).map((text) => asker.request(text)));
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [String(result.reason.message)] : []));
  expect(reasons.length).toBeGreaterThan(0);
  expect(reasons[0]).toContain('ask it one at a time ("maxInFlight": 1)');
});

test("each call has a signal and a deadline of its own", async () => {
  const came = new EventEmitter();
  let asked = 0;
  const { address } = await router((frames, reply) => {
    if (String(bodyOf(frames)[0]) === "answer") reply(frames);
    else if (++asked === 3) came.emit("all");
  });
  const asker = client(address);
  const controller = new AbortController();
  const all = once(came, "all");
  const canceled = asker.request("hold", { signal: controller.signal });
  const late = asker.request("hold", { timeoutMs: 500 });
  const other = asker.request("hold").catch(({ code }) => code);
  await all;
  controller.abort();
  await expect(canceled).rejects.toMatchObject({ code: "canceled" });
  expect(String(await asker.request("answer"))).toBe("answer");
  await expect(late).rejects.toMatchObject({ code: "deadline_exceeded" });
  await asker.close();
  expect(await other).toBe("canceled");
});

test("calls that wait for their turn keep their deadlines", async () => {
  const { address } = await router(() => undefined);
  const asker = client(address, { maxInFlight: 2 });
  const held = [1, 2].map(() => asker.request("hold", { timeoutMs: 5000 }).catch(({ code }) => code));
  await expect(asker.request("waits", { timeoutMs: 50 })).rejects.toThrow("its turn did not come within 50 ms");
  await asker.close();
  expect(await Promise.all(held)).toEqual(["canceled", "canceled"]);
});

test("calls by name go side by side too", async () => {
  const host = await startHost(
    { endpoints: { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 16 } } },
    { half: (input) => Number(input) / 2 },
  );
  const asker = client(addressOf(host, "all"), { codec: "cbor" });
  const halves = await Promise.all(texts(200).map((_, index) => asker.call("half", index)));
  expect(halves).toEqual(texts(200).map((_, index) => index / 2));
});

test.each([0, -1, 1.5, Number.NaN, 70_000])("maxInFlight %d is refused", (maxInFlight) => {
  expect(() => createClient({ connect: ANY_PORT.replace("*", "1"), maxInFlight })).toThrow(
    "maxInFlight takes a whole number",
  );
});

test("nothing keeps the process alive after close, and what was under way has ended", async () => {
  const { address } = await router(() => undefined);
  const program = `import { createClient } from ${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)};
    const client = createClient({ connect: ${JSON.stringify(address)} });
    const calls = Array.from({ length: 20 }, () => client.request("x").catch(({ code }) => code));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.close();
    console.log(new Set(await Promise.all(calls)));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    timeout: 10_000,
  });
  expect(stdout).toBe("Set(1) { 'canceled' }\n");
});
