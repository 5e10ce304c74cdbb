/** `ZEP1 batch` at an endpoint, message by message. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Dealer, Router } from "zeromq";
import type { ConfigInput } from "../../src/config/schema.ts";
import { BATCH_LIMITS, type BatchItem, packBatch, packedSize, unpackBatch } from "../../src/wire/batch.ts";
import { packedIn, parseReply, writeRequest, type ZepReply } from "../../src/wire/zep.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

type Frames = readonly Uint8Array[];

const call = (handler: string, input: unknown, metadata = {}) =>
  writeRequest({ verb: "call", handler, codec: "json", metadata, body: [Buffer.from(JSON.stringify(input))] });
const packed = (items: readonly BatchItem[]) =>
  packBatch(
    items,
    items.reduce((bytes, { frames }) => bytes + packedSize(frames), 0),
  );
const batchOf = (...requests: Frames[]) =>
  writeRequest({ verb: "batch", packed: packed(requests.map((frames, index) => ({ id: index + 1, frames }))) });

/** What is said of a reply in a test: its body, or its code. */
function said(frames: Frames): unknown {
  const reply: ZepReply = parseReply(frames);
  return reply.code === "ok" ? JSON.parse(Buffer.from(reply.body[0] ?? []).toString() || "null") : reply.code;
}

function count(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

async function endpoint(settings: object = {}, handlers = {}) {
  const config: ConfigInput = { endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 64, ...settings } } };
  const host = await startHost(config, { echo: (input) => input, ...handlers });
  return { host, address: addressOf(host, "e") };
}

/** A DEALER; `send` gives a message the number 7. */
function dealer(address: string) {
  const socket = new Dealer({ linger: 0, receiveTimeout: 5000 });
  onTestFinished(() => socket.close());
  socket.connect(address);
  const send = (frames: Frames, number = "7") => socket.send([number, "", ...(frames as Buffer[])]);
  /** Replies as they come, until there are so many; of a batch by their numbers, large ones as `large`. */
  async function replies(count: number): Promise<{ id: number; reply: unknown; message: number; large?: true }[]> {
    const found: { id: number; reply: unknown; message: number; large?: true }[] = [];
    for (let message = 0; found.length < count; message++) {
      const [number, ...rest] = await socket.receive();
      expect(String(number)).toBe("7");
      const [first = Buffer.alloc(0), ...others] = rest;
      if (first.length > 0) {
        found.push({ id: first.readUInt32BE(), reply: said(others.slice(1)), message, large: true });
        continue;
      }
      const inside = packedIn(others);
      if (inside === undefined) found.push({ id: 0, reply: said(others), message });
      else
        for (const { id, frames } of unpackBatch(inside, BATCH_LIMITS))
          found.push({ id, reply: said(frames), message });
    }
    return found;
  }
  return { socket, send, replies };
}

test("calls of a batch are answered in one message if they are ready in one tick", async () => {
  const { address } = await endpoint({}, { later: async (input: unknown) => input });
  const { send, replies } = dealer(address);
  await send(batchOf(call("echo", 1), call("later", 2), call("echo", 3)));
  const found = await replies(3);
  expect(found.map(({ id, reply, message }) => [id, reply, message]).sort()).toEqual([
    [1, 1, 0],
    [2, 2, 0],
    [3, 3, 0],
  ]);
});

test("whoever is slow holds up nobody else", async () => {
  const { open, opened } = gate();
  const { address } = await endpoint({}, { slow: () => opened.then(() => "slow") });
  const { send, replies } = dealer(address);
  await send(batchOf(call("slow", null), call("echo", "quick")));
  expect(await replies(1)).toMatchObject([{ id: 2, reply: "quick" }]);
  open();
  expect(await replies(1)).toMatchObject([{ id: 1, reply: "slow" }]);
});

test("each has its own error, and its own deadline", async () => {
  const { open, opened } = gate();
  const { address } = await endpoint({}, { slow: () => opened });
  const { send, replies } = dealer(address);
  await send(
    batchOf(
      call("echo", "well"),
      call("nobody", 1),
      [Buffer.from("nonsense")],
      call("slow", 1, { "timeout-ms": "50" }),
      [...call("echo", 1).slice(0, -1), Buffer.from("{")],
      batchOf(call("echo", 1)),
      writeRequest({ verb: "ping" }),
      writeRequest({ verb: "batch" }),
    ),
  );
  const found = await replies(8);
  expect(Object.fromEntries(found.map(({ id, reply }) => [id, reply]))).toEqual({
    1: "well",
    2: "not_found",
    3: "invalid_argument",
    4: "deadline_exceeded",
    5: "invalid_argument",
    6: "invalid_argument",
    7: { protocol: "ZEP1", endpoint: "e" },
    8: { maxBytes: 65_536, maxCalls: 256 },
  });
  open();
});

test("each is admitted by itself", async () => {
  const { open, opened } = gate();
  const { address, host } = await endpoint({ concurrency: 2, queue: 1 }, { slow: () => opened.then(() => "done") });
  const { send, replies } = dealer(address);
  await send(batchOf(...Array.from({ length: 5 }, () => call("slow", null))));
  const refused = await replies(2);
  expect(refused.map(({ reply }) => reply)).toEqual(["resource_exhausted", "resource_exhausted"]);
  open();
  expect((await replies(3)).map(({ reply }) => reply)).toEqual(["done", "done", "done"]);
  expect(host.stats().endpoints.e?.codes).toEqual({ ok: 3, resource_exhausted: 2 });
});

test("a large reply is a message of its own, with its number in the envelope", async () => {
  const large = "x".repeat(10_000);
  const { address } = await endpoint({}, { large: () => large });
  const { send, replies } = dealer(address);
  await send(batchOf(call("large", null), call("echo", 2), call("large", null)));
  const found = await replies(3);
  expect(found.map(({ id, reply, large: alone }) => [id, reply === large, alone ?? false]).sort()).toEqual([
    [1, true, true],
    [2, false, false],
    [3, true, true],
  ]);
});

test("so is one of more frames than a batch can count, however small they are", async () => {
  const config: ConfigInput = {
    limits: { maxFrames: 65_536 },
    endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 64 } },
  };
  const host = await startHost(config, { many: () => Array(65_536).fill(""), one: () => "1" });
  const { send, replies } = dealer(addressOf(host, "e"));
  const raw = (handler: string) =>
    writeRequest({ verb: "call", handler, codec: "raw", metadata: {}, body: [Buffer.from("")] });
  await send(batchOf(raw("many"), raw("one")));
  expect((await replies(2)).map(({ id, large }) => [id, large ?? false]).sort()).toEqual([
    [1, true],
    [2, false],
  ]);
});

test("replies that are more than a batch holds come in several", async () => {
  const { address } = await endpoint({}, { some: () => "x".repeat(8000) });
  const { send, replies } = dealer(address);
  await send(batchOf(...Array.from({ length: 20 }, () => call("some", null))));
  const found = await replies(20);
  expect(new Set(found.map(({ id }) => id)).size).toBe(20);
  expect(Math.max(...found.map(({ message }) => message))).toBeGreaterThanOrEqual(2);
});

test("batches pass proxies", async () => {
  const { address } = await endpoint({}, { large: () => "x".repeat(10_000) });
  const front = new Router({ linger: 0 });
  const back = new Dealer({ linger: 0 });
  onTestFinished(() => {
    front.close();
    back.close();
  });
  await front.bind(ANY_PORT);
  back.connect(address);
  void (async () => {
    for await (const frames of front) await back.send(frames);
  })();
  void (async () => {
    for await (const frames of back) await front.send(frames);
  })();
  const { send, replies } = dealer(front.lastEndpoint ?? "");
  await send(batchOf(call("echo", 1), call("large", null), call("echo", 3)));
  const found = await replies(3);
  expect(found.map(({ id, large }) => [id, large ?? false]).sort()).toEqual([
    [1, false],
    [2, true],
    [3, false],
  ]);
});

test.each([
  ["cut off", [Buffer.from("ZEP1 batch"), Buffer.from([0, 0, 0, 1, 0, 1, 0])], "invalid_argument"],
  ["empty", [Buffer.from("ZEP1 batch"), Buffer.alloc(0)], "invalid_argument"],
  ["of too many calls", batchOf(...Array.from({ length: 257 }, () => call("echo", 1))), "resource_exhausted"],
  [
    "of too many bytes",
    batchOf(...Array.from({ length: 9 }, () => call("echo", "x".repeat(8000)))),
    "resource_exhausted",
  ],
])("a batch that is %s has one reply, and nothing in it is run", async (_, frames, code) => {
  const { address, host } = await endpoint();
  const { send, replies } = dealer(address);
  await send(frames);
  expect(await replies(1)).toMatchObject([{ id: 0, reply: code }]);
  expect(host.stats().handlers.echo?.codes).toEqual({});
  await send(batchOf(call("echo", "next"), call("echo", "again")));
  expect((await replies(2)).map(({ reply }) => reply)).toEqual(["next", "again"]);
});

test("an endpoint for small messages says so, and takes no larger batch", async () => {
  const { address } = await endpoint({ limits: { maxMessageBytes: 1024 } });
  const { send, replies } = dealer(address);
  await send(writeRequest({ verb: "batch" }));
  expect(await replies(1)).toMatchObject([{ reply: { maxBytes: 1024, maxCalls: 256 } }]);
  await send(batchOf(...Array.from({ length: 40 }, () => call("echo", 1))));
  expect(await replies(1)).toMatchObject([{ id: 0, reply: "resource_exhausted" }]);
});

test("a plain endpoint takes a batch for any other bytes", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "echo", codec: "raw", concurrency: 8 } } });
  const { send, socket } = dealer(addressOf(host, "e"));
  const frames = batchOf(call("echo", 1));
  await send(frames);
  expect((await socket.receive()).slice(2)).toEqual(frames.map((frame) => Buffer.from(frame)));
});

test("an endpoint that tells nothing of itself takes batches all the same", async () => {
  const { address } = await endpoint({ introspection: false });
  const { send, replies } = dealer(address);
  await send(writeRequest({ verb: "batch" }));
  expect(await replies(1)).toMatchObject([{ reply: { maxCalls: 256 } }]);
});

test("in lock-step a batch's calls run one after the other, in turn with those of others", async () => {
  const order: unknown[] = [];
  const { open, opened } = gate();
  let running = 0;
  const { address } = await endpoint(
    { concurrency: 1 },
    {
      note: async (input: unknown) => {
        expect(++running).toBe(1);
        if (order.length === 0) await opened;
        order.push(input);
        await delay(1);
        running--;
        return input;
      },
    },
  );
  const [one, other] = [dealer(address), dealer(address)];
  await one.send(batchOf(...[1, 2, 3, 4].map((each) => call("note", each))));
  // It waits in the socket by the time the first call ends.
  await delay(100);
  await other.send(call("note", "other"));
  await delay(100);
  open();
  await Promise.all([one.replies(4), other.replies(1)]);
  expect(order).toEqual([1, "other", 2, 3, 4]);
});

/** Holds the thread, as a handler that computes. */
function compute(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("a batch of calls that compute does not go before all others, on its endpoint and on the next", async () => {
  const host = await startHost(
    {
      endpoints: {
        e: { bind: ANY_PORT, handlers: ["*"], concurrency: 64 },
        other: { bind: ANY_PORT, handlers: ["*"] },
      },
    },
    {
      echo: (input) => input,
      compute: () => {
        compute(5);
        return null;
      },
    },
  );
  const one = dealer(addressOf(host, "e"));
  const beside = dealer(addressOf(host, "e"));
  const elsewhere = dealer(addressOf(host, "other"));
  for (const each of [beside, elsewhere]) {
    await each.send(call("echo", "connected"));
    await each.replies(1);
  }
  await one.send(batchOf(...Array.from({ length: 200 }, () => call("compute", null))));
  const computed = () => host.stats().handlers.compute?.codes.ok ?? 0;
  await expect.poll(computed).toBeGreaterThan(0);
  await beside.send(call("echo", "beside"));
  await elsewhere.send(call("echo", "elsewhere"));
  await Promise.all([beside.replies(1), elsewhere.replies(1)]);
  expect(computed()).toBeLessThan(150);
});

test.each([1, 64])(
  "the calls of a peer keep their order, in batches or not, at concurrency %i",
  async (concurrency) => {
    const order: unknown[] = [];
    const note = (input: unknown) => {
      order.push(input);
      compute(1);
      return input;
    };
    const { address } = await endpoint({ concurrency }, { note });
    const { send, socket } = dealer(address);
    const calls = Array.from({ length: 62 }, (_, n) => call("note", n));
    await send(batchOf(...calls.slice(0, 30)));
    await send(batchOf(...calls.slice(30, 60)));
    await send(calls[60] ?? []);
    await send(calls[61] ?? []);
    socket.receiveTimeout = 5000;
    while (order.length < 62) await socket.receive();
    expect(order).toEqual(Array.from({ length: 62 }, (_, n) => n));
  },
);

test("in lock-step a peer with many batches keeps nobody else from being read", async () => {
  let done = 0;
  const slow = () => delay(1).then(() => ++done);
  const { address } = await endpoint({ concurrency: 1 }, { slow });
  const [greedy, other] = [dealer(address), dealer(address)];
  await other.send(call("echo", "connected"));
  await other.replies(1);
  for (let count = 0; count < 30; count++)
    await greedy.send(batchOf(...Array.from({ length: 30 }, () => call("slow", null))));
  await expect.poll(() => done).toBeGreaterThan(5);
  await other.send(writeRequest({ verb: "ping" }));
  await other.replies(1);
  expect(done).toBeLessThan(450);
  await greedy.replies(900);
  expect(done).toBe(900);
});

test("in lock-step no more than 1000 calls of a peer wait, and each beyond is told so", async () => {
  const { open, opened } = gate();
  const { address } = await endpoint({ concurrency: 1 }, { slow: () => opened.then(() => "done") });
  const { send, replies } = dealer(address);
  await send(call("slow", null));
  for (let count = 0; count < 5; count++) await send(batchOf(...Array.from({ length: 250 }, () => call("slow", null))));
  const other = dealer(address);
  setTimeout(open, 200);
  const found = await replies(1251);
  const codes = count(found.map(({ reply }) => String(reply)));
  expect(codes.get("done")).toBe(1001);
  expect(codes.get("resource_exhausted")).toBe(250);
  await other.send(call("echo", "others are served"));
  expect(await other.replies(1)).toMatchObject([{ reply: "others are served" }]);
});

test("a host that stops answers the calls of a batch as it would if they had come by themselves", async () => {
  const { address, host } = await endpoint(
    {},
    {
      compute: () => {
        compute(2);
        return "done";
      },
    },
  );
  const { send, replies } = dealer(address);
  await send(batchOf(...Array.from({ length: 40 }, () => call("compute", null))));
  await expect.poll(() => host.stats().handlers.compute?.codes.ok).toBeGreaterThan(0);
  const stopped = host.stop();
  expect((await replies(40)).map(({ reply }) => reply)).toEqual(Array(40).fill("done"));
  await stopped;
});

test("in lock-step the clock of a call in a batch starts when its turn comes", async () => {
  const { address } = await endpoint(
    { concurrency: 1 },
    { slow: () => delay(60).then(() => "slow"), quick: () => "quick" },
  );
  const { send, replies } = dealer(address);
  await send(batchOf(call("slow", null), call("slow", null), call("quick", null, { "timeout-ms": "50" })));
  expect((await replies(3)).map(({ reply }) => reply)).toEqual(["slow", "slow", "quick"]);
});

test.each([1, 64])("a host that stops answers each call of a batch, at concurrency %i", async (concurrency) => {
  const { open, opened } = gate();
  const { address, host } = await endpoint({ concurrency }, { slow: () => opened.then(() => "done") });
  const { send, replies } = dealer(address);
  await send(batchOf(...Array.from({ length: 4 }, () => call("slow", null))));
  await expect.poll(() => host.stats().handlers.slow?.inFlight).toBe(concurrency === 1 ? 1 : 4);
  const stopped = host.stop(200);
  const found = await replies(4);
  expect(found.map(({ reply }) => reply)).toEqual(Array(4).fill("unavailable"));
  await stopped;
  open();
});
