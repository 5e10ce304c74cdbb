/** What one peer's many calls, and one handler's slow ones, mean for the others. */
import { describe, expect, onTestFinished, test } from "vitest";
import { Dealer } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { HandlerDefinition, HandlerFunction } from "../../src/handler.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

function client(connect: string) {
  const made = createClient({ connect, codec: "json" });
  onTestFinished(() => made.close());
  return made;
}

/** A handler that holds each call until `open` is called, which then lets all through. */
function gate() {
  const held: (() => void)[] = [];
  let isOpen = false;
  let look: () => void = () => undefined;
  const handle: HandlerFunction = (input) =>
    isOpen
      ? input
      : new Promise((resolve) => {
          held.push(() => resolve(input));
          look();
        });
  return {
    handle,
    /** Resolves when so many are held. */
    holds: (count: number) =>
      new Promise<void>((resolve) => {
        look = () => held.length >= count && resolve();
        look();
      }),
    open: () => {
      isOpen = true;
      for (const release of held) release();
    },
  };
}

/** A DEALER with REQ's envelope and a number in front of it, which comes back. */
function dealer(address: string) {
  const socket = new Dealer({ linger: 0, receiveTimeout: 10_000, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  onTestFinished(() => socket.close());
  socket.connect(address);
  return {
    send: (count: number) =>
      Array.from({ length: count }, (_, index) => index).reduce<Promise<void>>(
        (before, index) => before.then(() => socket.send([`${index}`, "", "1"])),
        Promise.resolve(),
      ),
    receive: async (count: number) => {
      const replies: string[] = [];
      for (let index = 0; index < count; index++) replies.push(String((await socket.receive()).at(-1)));
      return replies;
    },
  };
}

test("60 at once into 10 places and 20 seats: 30 are served, 30 refused before any of them ends", async () => {
  const { handle, open, holds } = gate();
  const endpoints = { e: { bind: ANY_PORT, handler: "hold", codec: "json", concurrency: 10, queue: 20 } };
  const host = await startHost({ endpoints }, { hold: handle });
  const clients = Array.from({ length: 60 }, () => client(addressOf(host, "e")));
  const answers = clients.map((each) => each.request(1).catch((error: { code: string }) => error.code));
  await holds(10);
  // None of those that run can end before the gate is opened, so what is answered by then was refused.
  let refused = 0;
  await new Promise<void>((resolve) => {
    for (const answer of answers)
      void answer.then((code) => code === "resource_exhausted" && ++refused === 30 && resolve());
  });
  open();
  const codes = await Promise.all(answers);
  expect(codes.filter((code) => code === 1)).toHaveLength(30);
  expect(host.stats().endpoints.e).toMatchObject({ refused: 30, codes: { ok: 30, resource_exhausted: 30 } });
});

test("a DEALER with 1,000 requests under way costs 10 REQ clients nothing", async () => {
  const { handle, open, holds } = gate();
  const endpoints = { e: { bind: ANY_PORT, handler: "hold", codec: "json", concurrency: 4, queue: 64 } };
  const host = await startHost({ endpoints }, { hold: handle });
  const flooder = dealer(addressOf(host, "e"));
  await flooder.send(1000);
  await holds(4);
  // 1,000 less those that run and those that wait.
  const atOnce = await flooder.receive(1000 - 4 - 64);
  const answers = Array.from({ length: 10 }, (_, index) => client(addressOf(host, "e")).request(index));
  // Each of the ten takes the seat of one of the flood's.
  const evicted = await flooder.receive(10);
  open();
  expect(await Promise.all(answers)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const served = await flooder.receive(4 + 64 - 10);
  expect(new Set(served)).toEqual(new Set(["1"]));
  expect([...atOnce, ...evicted].every((reply) => reply.startsWith("ZEP1 resource_exhausted\n"))).toBe(true);
});

test("peers that wait are served in turn", async () => {
  const { handle, open, holds } = gate();
  const order: unknown[] = [];
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 2, queue: 100 } } },
    { hold: handle, note: (input) => void order.push(input) },
  );
  const address = addressOf(host, "e");
  const held = [client(address).call("hold", 1), client(address).call("hold", 2)];
  await holds(2);
  const flooder = new Dealer({ linger: 0, receiveTimeout: 10_000 });
  onTestFinished(() => flooder.close());
  flooder.connect(address);
  for (let index = 0; index < 5; index++) await flooder.send(["", "ZEP1 call", "note", "json", "", '"flood"']);
  await flooder.send(["", "ZEP1 ping"]);
  await flooder.receive();
  const single = client(address).call("note", "single");
  await expect.poll(() => host.stats().endpoints.e?.queued).toBe(6);
  open();
  await Promise.all([...held, single]);
  expect(order.indexOf("single")).toBe(1);
});

describe("a handler's own concurrency", () => {
  async function serve(config: ConfigInput, definition: Partial<HandlerDefinition> = {}) {
    const { handle, open, holds } = gate();
    let running = 0;
    let most = 0;
    const counted: HandlerFunction = async (input, context) => {
      most = Math.max(most, ++running);
      const result = await handle(input, context);
      running--;
      return result;
    };
    const host = await startHost(config, { slow: { ...definition, handle: counted }, quick: (input) => input });
    return { host, open, holds, most: () => most };
  }

  const zep = { bind: ANY_PORT, handlers: ["*"], concurrency: 8, queue: 100 };

  test("bounds its calls over all endpoints, and others pass those that wait", async () => {
    const { host, open, holds, most } = await serve({
      endpoints: { one: zep, two: zep },
      handlers: { slow: { concurrency: 2 } },
    });
    const [one, two] = [addressOf(host, "one"), addressOf(host, "two")];
    const slow = [one, two, one, two, one, two].map((address, index) => client(address).call("slow", index));
    await holds(2);
    expect(await client(one).call("quick", "q")).toBe("q");
    expect(await client(two).call("quick", "q")).toBe("q");
    open();
    expect(await Promise.all(slow)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(most()).toBe(2);
  });

  test("can be the plugin's own, and the configuration's goes before it", async () => {
    const { host, open, holds, most } = await serve({ endpoints: { one: zep } }, { concurrency: 1 });
    const calls = [1, 2, 3].map((index) => client(addressOf(host, "one")).call("slow", index));
    await holds(1);
    open();
    await Promise.all(calls);
    expect(most()).toBe(1);
  });

  test("does not let calls that wait for it fill all places", async () => {
    const { host, open, holds } = await serve({
      endpoints: { one: { ...zep, concurrency: 3, queue: 2 } },
      handlers: { slow: { concurrency: 1 } },
    });
    const address = addressOf(host, "one");
    const slow = [1, 2, 3].map((index) => client(address).call("slow", index));
    await holds(1);
    await expect.poll(() => host.stats().endpoints.one).toMatchObject({ inFlight: 1, queued: 2 });
    await expect(client(address).call("slow", 4)).rejects.toMatchObject({ code: "resource_exhausted" });
    expect(await client(address).call("quick", "q")).toBe("q");
    open();
    expect(await Promise.all(slow)).toEqual([1, 2, 3]);
  });
});

test("a slow handler in lock-step is told of once, with what to write", async () => {
  const log = recordingLog();
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "slow", codec: "json" } } },
    { slow: () => new Promise((resolve) => setTimeout(resolve, 120, null)) },
    { log },
  );
  for (let round = 0; round < 2; round++) await client(addressOf(host, "e")).request(1);
  const told = log.records.filter(({ message }) => message.includes("reads no other request meanwhile"));
  expect(told).toEqual([
    {
      level: "warn",
      fields: { endpoint: "e", handler: "slow" },
      message: expect.stringMatching(/^handler slow took \d+ ms, .*; write "concurrency": 16 in endpoints\.e /),
    },
  ]);
});
