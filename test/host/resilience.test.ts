/** What must not cost a caller its reply: a log, a hook or an error that fails, a buffer that is used again. */
import { describe, expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

function client(connect: string, codec: "raw" | "json" = "json") {
  const made = createClient({ connect, codec, timeoutMs: 2000 });
  onTestFinished(() => made.close());
  return made;
}

function broken(): never {
  throw new Error("no");
}

/** An error of ours that can't be read. */
function unreadable(field: "message" | "details" | "code"): ZmqEchoError {
  return Object.defineProperty(new ZmqEchoError("aborted", "x"), field, { get: broken });
}

describe.each([
  ["in lock-step", 1],
  ["side by side", 4],
])("%s", (_, concurrency) => {
  test("a hook that throws costs no reply", async () => {
    const log = recordingLog();
    const hooks = [{ start: broken, end: broken }];
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, concurrency, codec: "json" } } },
      {},
      { hooks, log },
    );
    const asker = client(addressOf(host, "e"));
    expect([await asker.request(1), await asker.request(2)]).toEqual([1, 2]);
    expect(log.records.filter(({ level }) => level === "error")).toHaveLength(1);
  });

  test("a log that throws costs no reply", async () => {
    const good = recordingLog();
    const log = { ...good, debug: broken, warn: broken, error: broken, child: () => log };
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, concurrency, handler: "bad", codec: "json" } } },
      { bad: broken },
      { log },
    );
    const asker = client(addressOf(host, "e"));
    for (let i = 0; i < 2; i++) await expect(asker.request(i)).rejects.toMatchObject({ code: "internal" });
  });

  test.each(["message", "details", "code"] as const)(
    "an error whose %s can't be read costs no reply",
    async (field) => {
      const host = await startHost(
        { endpoints: { e: { bind: ANY_PORT, concurrency, handler: "bad", codec: "json" } } },
        {
          bad: async (input) => {
            if (input === "later") await new Promise(setImmediate);
            throw unreadable(field);
          },
        },
      );
      const asker = client(addressOf(host, "e"));
      for (const when of ["now", "later"])
        await expect(asker.request(when)).rejects.toMatchObject({ code: "internal" });
    },
  );

  test("a raw handler may use its buffer again", async () => {
    const reused = Buffer.alloc(100_000);
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, concurrency, handler: "fill" } } },
      { fill: (input) => reused.fill((input as Uint8Array)[0] ?? 0) },
    );
    const address = addressOf(host, "e");
    const asked = Array.from({ length: 40 }, async (_unused, byte) => {
      const reply = (await client(address, "raw").request(Buffer.from([byte]))) as Uint8Array;
      return reply.every((value) => value === byte);
    });
    expect(await Promise.all(asked)).toEqual(Array(40).fill(true));
  });
});

test.each([1, 128, 129, 100_000])(
  "a raw handler may use its buffer of %d bytes again while calls wait",
  async (size) => {
    const reused = Buffer.alloc(size);
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, concurrency: 2, handlers: ["*"] } } },
      { fill: (input) => reused.fill((input as Uint8Array)[0] ?? 0), hold: () => opened },
    );
    const { Dealer } = await import("zeromq");
    const dealer = new Dealer({ linger: 0, receiveTimeout: 5000 });
    onTestFinished(() => dealer.close());
    dealer.connect(addressOf(host, "e"));
    for (const id of ["h1", "h2"]) await dealer.send([id, "", "ZEP1 call", "hold", "raw", "", ""]);
    for (const byte of [1, 2, 3])
      await dealer.send([`${byte}`, "", "ZEP1 call", "fill", "raw", "", Buffer.from([byte])]);
    await expect.poll(() => host.stats().endpoints.e?.queued).toBe(3);
    open();
    const seen: Record<string, number | undefined> = {};
    for (let count = 0; count < 5; count++) {
      const frames = await dealer.receive();
      seen[String(frames[0])] = frames[5]?.[0];
    }
    expect(seen).toMatchObject({ 1: 1, 2: 2, 3: 3 });
  },
);

test("details with a key __proto__ reach the caller without it", async () => {
  const details = JSON.parse('{"__proto__":{"x":1},"inner":{"__proto__":1},"kept":1}');
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "bad", codec: "json" } } },
    {
      bad: () => {
        throw new ZmqEchoError("aborted", "told", { details });
      },
    },
  );
  await expect(client(addressOf(host, "e")).request(1)).rejects.toMatchObject({
    code: "aborted",
    details: { kept: 1, inner: {} },
  });
});

test("timers run on time while one peer floods a busy endpoint", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, concurrency: 4, handler: "busy" } } },
    {
      busy: () => {
        const end = performance.now() + 5;
        while (performance.now() < end);
        return null;
      },
    },
  );
  const { Dealer } = await import("zeromq");
  const flooder = new Dealer({ linger: 0 });
  onTestFinished(() => flooder.close());
  flooder.connect(addressOf(host, "e"));
  for (let i = 0; i < 300; i++) await flooder.send(["", "x"]);
  await flooder.receive();
  const from = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(performance.now() - from).toBeLessThan(500);
});
