/** Calls by name that leave together, against ROUTERs that do with batches what the test says. */
import { expect, onTestFinished, test } from "vitest";
import { Router } from "zeromq";
import { type ClientOptions, createClient } from "../../src/client/create-client.ts";
import { BATCH_LIMITS, type BatchItem, packBatch, packedSize, unpackBatch } from "../../src/wire/batch.ts";
import { parseRequest, writeReply, writeRequest } from "../../src/wire/zep.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

type Frames = readonly Uint8Array[];

/** A message as it came: what is in front of the empty frame, the rest, and the calls in it if it is a batch. */
interface Message {
  readonly envelope: Frames;
  readonly payload: Frames;
  readonly batch: readonly BatchItem[] | undefined;
}

const YES = { maxBytes: 65_536, maxCalls: 256 };
const ok = (body: unknown, codec = "json") =>
  writeReply({ code: "ok", codec, metadata: {}, body: [Buffer.from(JSON.stringify(body))] });
const unimplemented = () => writeReply({ code: "unimplemented", message: "no", details: { requestId: "r" } });
const pack = (items: readonly BatchItem[]) => {
  const bytes = items.reduce((sum, { frames }) => sum + packedSize(frames), 0);
  return writeRequest({ verb: "batch", packed: packBatch(items, bytes) });
};
const number = (id: number) => {
  const frame = Buffer.alloc(4);
  frame.writeUInt32BE(id);
  return frame;
};
const bodyOf = (frames: Frames): unknown => {
  const request = parseRequest(frames);
  if (request.verb !== "call") throw new Error(`a ${request.verb}`);
  return JSON.parse(Buffer.from(request.body[0] ?? []).toString());
};
const isQuestion = ({ payload }: Message) => payload.length === 1 && String(payload[0]) === "ZEP1 batch";
const batchesIn = (messages: readonly Message[]) => messages.filter(({ batch }) => batch !== undefined);

interface Answering {
  /** To the question whether it takes batches; nothing for undefined. */
  readonly question?: Frames | undefined;
  /** The messages to send for a batch, envelopes included. */
  readonly batch?: (message: Message, items: readonly BatchItem[]) => readonly Frames[];
}

/** Echoes calls, and does with batches as it is told; keeps what it got. */
async function server(answering: Answering = {}) {
  const { question = "question" in answering ? undefined : ok(YES), batch = echoBatch } = answering;
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const messages: Message[] = [];
  void (async () => {
    for await (const frames of socket) {
      const end = frames.findIndex((frame, index) => index > 0 && frame.length === 0) + 1;
      const [envelope, payload] = [frames.slice(0, end), frames.slice(end)];
      const packed = payload.length === 2 && String(payload[0]) === "ZEP1 batch" ? payload[1] : undefined;
      const message = { envelope, payload, batch: packed && unpackBatch(packed, BATCH_LIMITS) };
      messages.push(message);
      let replies: readonly Frames[] = [];
      if (message.batch !== undefined) replies = batch(message, message.batch);
      else if (!isQuestion(message)) replies = [[...envelope, ...ok(bodyOf(payload))]];
      else if (question !== undefined) replies = [[...envelope, ...question]];
      for (const reply of replies) await socket.send(reply as Buffer[]);
    }
  })();
  return { address: socket.lastEndpoint ?? "", messages };
}

const echoed = (items: readonly BatchItem[]) => items.map(({ id, frames }) => ({ id, frames: ok(bodyOf(frames)) }));
const echoBatch = ({ envelope }: Message, items: readonly BatchItem[]) => [[...envelope, ...pack(echoed(items))]];

function client(connect: string, options: Partial<ClientOptions> = {}) {
  const made = createClient({ connect, codec: "json", timeoutMs: 5000, ...options });
  onTestFinished(() => made.close());
  return made;
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const callAll = (caller: ReturnType<typeof client>, inputs: readonly unknown[]) =>
  Promise.all(inputs.map((input) => caller.call("echo", input)));

/** A client that has been told that the server takes batches. */
async function acquainted(address: string, options: Partial<ClientOptions> = {}) {
  const caller = client(address, options);
  expect(await callAll(caller, [1, 2])).toEqual([1, 2]);
  await caller.call("echo", "after the answer to the question");
  return caller;
}

test("the question is asked once, calls go by themselves until it is answered, and then those of one turn as one message", async () => {
  const { address, messages } = await server();
  const caller = client(address);
  expect(await callAll(caller, numbers(5))).toEqual(numbers(5));
  expect(messages.filter(isQuestion)).toHaveLength(1);
  expect(batchesIn(messages)).toHaveLength(0);
  messages.length = 0;
  for (let round = 0; round < 3; round++) expect(await callAll(caller, numbers(10))).toEqual(numbers(10));
  expect(messages.map(({ batch }) => batch?.length)).toEqual([10, 10, 10]);
});

test("a call in a batch is what it would be by itself, deadline included", async () => {
  const { address, messages } = await server();
  const caller = await acquainted(address);
  messages.length = 0;
  await Promise.all([
    caller.call("first", { a: 1 }, { metadata: { tenant: "acme" }, timeoutMs: 1234 }),
    caller.call("second", [2]),
  ]);
  const [message] = messages;
  const requests = message?.batch?.map(({ frames }) => parseRequest(frames));
  // What is left of it when they leave, some milliseconds later perhaps.
  const [soon, later] = [expect.stringMatching(/^1[12]\d\d$/), expect.stringMatching(/^(5000|4[89]\d\d)$/)];
  expect(requests).toMatchObject([
    { verb: "call", handler: "first", codec: "json", metadata: { tenant: "acme", "timeout-ms": soon } },
    { verb: "call", handler: "second", codec: "json", metadata: { "timeout-ms": later } },
  ]);
});

test("one call alone goes as a call", async () => {
  const { address, messages } = await server();
  const caller = await acquainted(address);
  messages.length = 0;
  for (const input of numbers(3)) expect(await caller.call("echo", input)).toBe(input);
  expect(messages).toHaveLength(3);
  expect(batchesIn(messages)).toHaveLength(0);
});

test("with one at a time nobody is asked about batches", async () => {
  const { address, messages } = await server();
  const caller = client(address);
  for (const input of numbers(3)) await caller.call("echo", input);
  expect(messages.map(({ payload }) => String(payload[0]))).toEqual(Array(3).fill("ZEP1 call"));
});

test.each([
  ["says that it knows no such verb", unimplemented()],
  ["says nothing", undefined],
  ["echoes whatever comes", [Buffer.from("ZEP1 batch")]],
  ["answers with what is no size", ok({ maxBytes: "many", maxCalls: 0 })],
])("a server that %s is called plainly", async (_, question) => {
  const { address, messages } = await server({ question });
  const caller = client(address);
  for (let round = 0; round < 3; round++) expect(await callAll(caller, numbers(5))).toEqual(numbers(5));
  expect(messages.filter(isQuestion)).toHaveLength(1);
  expect(batchesIn(messages)).toHaveLength(0);
});

test("batch: false is the old way, question and all", async () => {
  const { address, messages } = await server();
  const caller = client(address, { batch: false });
  for (let round = 0; round < 3; round++) await callAll(caller, numbers(5));
  expect(messages).toHaveLength(15);
  expect(messages.some(isQuestion)).toBe(false);
  expect(batchesIn(messages)).toHaveLength(0);
});

test("plain requests are never in a batch, whatever the server takes", async () => {
  const { address, messages } = await server({ question: ok(YES) });
  const caller = await acquainted(address);
  messages.length = 0;
  const asked = numbers(3).map(() =>
    caller.exchange(
      writeRequest({ verb: "call", handler: "h", codec: "json", metadata: {}, body: [Buffer.from("1")] }),
    ),
  );
  await Promise.all(asked);
  expect(messages).toHaveLength(3);
  expect(batchesIn(messages)).toHaveLength(0);
});

test("a client that takes less than a batch of replies may have asks for none", async () => {
  const { address, messages } = await server();
  const caller = client(address, { limits: { maxMessageBytes: 65_535 } });
  for (let round = 0; round < 2; round++) await callAll(caller, numbers(5));
  expect(messages).toHaveLength(10);
});

test("replies may come in any order and in any number of messages", async () => {
  const { address } = await server({
    batch: ({ envelope }, items) =>
      echoed(items)
        .reverse()
        .map((reply) => [...envelope, ...pack([reply])]),
  });
  const caller = await acquainted(address);
  expect(await callAll(caller, numbers(10))).toEqual(numbers(10));
});

test("a large reply comes by itself, for the first call of a batch too, and no call is made again", async () => {
  const { address, messages } = await server({
    batch: ({ envelope }, items) =>
      echoed(items).map(({ id, frames }) => [...envelope.slice(0, -1), number(id), Buffer.alloc(0), ...frames]),
  });
  const caller = await acquainted(address);
  messages.length = 0;
  expect(await callAll(caller, numbers(4))).toEqual(numbers(4));
  expect(await callAll(caller, numbers(4))).toEqual(numbers(4));
  expect(messages.map(({ batch }) => batch?.length)).toEqual([4, 4]);
});

test("each call has its own error", async () => {
  const { address } = await server({
    batch: ({ envelope }, items) => [
      [
        ...envelope,
        ...pack(
          items.map(({ id, frames }, index) => ({
            id,
            frames:
              index === 1
                ? writeReply({ code: "not_found", message: "no such thing", details: { requestId: "r1" } })
                : ok(bodyOf(frames)),
          })),
        ),
      ],
    ],
  });
  const caller = await acquainted(address);
  const settled = await Promise.allSettled([0, 1, 2].map((input) => caller.call("echo", input)));
  expect(settled).toMatchObject([
    { status: "fulfilled", value: 0 },
    { status: "rejected", reason: { code: "not_found", message: "no such thing", details: { requestId: "r1" } } },
    { status: "fulfilled", value: 2 },
  ]);
});

test("a refusal of a whole batch ends batches, and its calls are made one by one", async () => {
  const { address, messages } = await server({ batch: ({ envelope }) => [[...envelope, ...unimplemented()]] });
  const caller = await acquainted(address);
  messages.length = 0;
  expect(await callAll(caller, numbers(3))).toEqual(numbers(3));
  expect(await callAll(caller, numbers(3))).toEqual(numbers(3));
  expect(messages.map(({ batch }) => batch?.length)).toEqual([3, ...Array(6).fill(undefined)]);
});

test("so they are when the first of them has gone meanwhile", async () => {
  let refuse: () => void = () => undefined;
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  void (async () => {
    for await (const [peer = Buffer.alloc(0), id = Buffer.alloc(0), ...rest] of socket) {
      const end = id.length === 0 ? [id] : [id, Buffer.alloc(0)];
      const payload = id.length === 0 ? rest : rest.slice(1);
      const [verb, packed] = payload;
      const send = (frames: Frames) => void socket.send([peer, ...end, ...(frames as Buffer[])]);
      if (String(verb) === "ZEP1 call") send(ok(bodyOf(payload)));
      else if (packed === undefined) send(ok(YES));
      else refuse = () => send(unimplemented());
    }
  })();
  const caller = await acquainted(socket.lastEndpoint ?? "");
  const first = caller.call("echo", 0, { timeoutMs: 100 });
  const others = callAll(caller, [1, 2]);
  await expect(first).rejects.toMatchObject({ code: "deadline_exceeded" });
  refuse();
  expect(await others).toEqual([1, 2]);
});

test("replies that can't be read fail the calls of their batch, and those made after are well", async () => {
  let broken = true;
  const { address } = await server({
    batch: (message, items) => {
      if (!broken) return echoBatch(message, items);
      broken = false;
      return [[...message.envelope, Buffer.from("ZEP1 batch"), Buffer.from("nonsense")]];
    },
  });
  const caller = await acquainted(address);
  for (const { reason } of (await Promise.allSettled(
    [1, 2].map((input) => caller.call("echo", input)),
  )) as PromiseRejectedResult[]) {
    expect(reason).toMatchObject({
      code: "internal",
      message: expect.stringContaining(`the replies of ${address} can't be read`),
    });
  }
  expect(await callAll(caller, [3, 4])).toEqual([3, 4]);
});

test("a batch obeys the limits that the server names", async () => {
  const { address, messages } = await server({ question: ok({ maxBytes: 200, maxCalls: 3 }) });
  const caller = await acquainted(address);
  messages.length = 0;
  await callAll(caller, numbers(7));
  // Each of these calls takes more than 50 bytes.
  for (const { payload, batch } of messages) {
    expect(batch?.length ?? 1).toBeLessThanOrEqual(3);
    if (batch !== undefined) expect(payload[1]?.length).toBeLessThanOrEqual(200);
  }
  messages.length = 0;
  await callAll(caller, ["x".repeat(300), 1, 2]);
  expect(messages.map(({ batch }) => batch?.length)).toEqual([undefined, 2]);
});

test("calls made in one turn leave in their order, a large one among them", async () => {
  const { address, messages } = await server();
  const caller = await acquainted(address);
  messages.length = 0;
  const large = "x".repeat(10_000);
  await callAll(caller, [1, 2, large, 3, 4]);
  const sent = messages.flatMap(
    ({ payload, batch }) => batch?.map(({ frames }) => bodyOf(frames)) ?? [bodyOf(payload)],
  );
  expect(sent).toEqual([1, 2, large, 3, 4]);
});

test("a large call leaves at once, by itself", async () => {
  const { address, messages } = await server();
  const caller = await acquainted(address);
  messages.length = 0;
  const large = "x".repeat(10_000);
  expect(await callAll(caller, [1, large, 2])).toEqual([1, large, 2]);
  expect(messages.map(({ batch }) => batch?.length)).toEqual([undefined, undefined, undefined]);
});

test("a call of a batch that is canceled, or too late, leaves the others alone", async () => {
  const { address } = await server({ batch: () => [] });
  const caller = await acquainted(address);
  const controller = new AbortController();
  const canceled = caller.call("echo", 1, { signal: controller.signal });
  const late = caller.call("echo", 2, { timeoutMs: 80 });
  const other = caller.call("echo", 3, { timeoutMs: 200 });
  controller.abort();
  await expect(canceled).rejects.toMatchObject({ code: "canceled" });
  await expect(late).rejects.toMatchObject({ code: "deadline_exceeded" });
  await expect(Promise.race([other, Promise.resolve("waits")])).resolves.toBe("waits");
  await expect(other).rejects.toMatchObject({ code: "deadline_exceeded" });
});

test("what is canceled before it leaves is not sent", async () => {
  const { address, messages } = await server();
  const caller = await acquainted(address);
  messages.length = 0;
  const controller = new AbortController();
  const canceled = caller.call("echo", "never", { signal: controller.signal });
  const others = callAll(caller, [1, 2]);
  controller.abort();
  await expect(canceled).rejects.toMatchObject({ code: "canceled" });
  expect(await others).toEqual([1, 2]);
  expect(messages[0]?.batch?.map(({ frames }) => bodyOf(frames))).toEqual([1, 2]);
});

test("a connection that is lost with a batch under way fails each of its calls, or each is tried again", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["echo", "wait"], concurrency: 64 } } },
    { echo: (input) => input, wait: () => new Promise(() => undefined) },
  );
  const address = addressOf(host, "e");
  const caller = await acquainted(address);
  const patient = await acquainted(address, { retries: 3, wait: true });
  const failed = Promise.allSettled(numbers(4).map(() => caller.call("wait", null)));
  const retried = Promise.all(numbers(4).map(() => patient.call("wait", null).catch((error: Error) => error)));
  await expect.poll(() => host.stats().handlers.wait?.inFlight).toBe(8);
  await host.stop(0);
  for (const outcome of await failed)
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
  const again = await startHost(
    { endpoints: { e: { bind: address, handlers: ["echo", "wait"], concurrency: 64 } } },
    { echo: (input) => input, wait: () => "at last" },
  );
  expect(await retried).toEqual(Array(4).fill("at last"));
  expect(again.stats().handlers.wait?.codes).toEqual({ ok: 4 });
});

test("10,000 calls at once, each with its own reply, in far fewer messages", { timeout: 60_000 }, async () => {
  const { address, messages } = await server();
  const caller = client(address, { timeoutMs: 60_000 });
  expect(await callAll(caller, numbers(10_000))).toEqual(numbers(10_000));
  expect(messages.length).toBeLessThan(2000);
});

test("nothing keeps the process alive after close, with calls under way in a batch", async () => {
  const { address } = await server({ batch: () => [] });
  const caller = await acquainted(address);
  const calls = Promise.allSettled(numbers(3).map((input) => caller.call("echo", input)));
  await caller.close();
  for (const outcome of await calls) expect(outcome).toMatchObject({ reason: { code: "canceled" } });
});

test("a client that is closed as its first calls leave asks nobody anything any more", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 64 } } });
  let sent = 0;
  const caller = client(addressOf(host, "e"), {
    onFrames(direction) {
      if (direction === "sent" && ++sent === 3) void caller.close();
    },
  });
  const results = await Promise.allSettled(numbers(4).map((input) => caller.call("echo", input)));
  // One that went first, over a connection of its own, may have been answered by then.
  const failures = results.filter((result) => result.status === "rejected").map(({ reason }) => reason.code);
  expect(failures).toEqual(Array(failures.length).fill("canceled"));
  expect(failures.length).toBeGreaterThanOrEqual(2);
  // An uncaught exception would fail the run by now.
  await new Promise(setImmediate);
});
