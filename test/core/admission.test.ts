/** Who runs, who waits and who is refused on an endpoint where calls run side by side. */
import { expect, onTestFinished, test } from "vitest";
import { Dealer } from "zeromq";
import type { Client } from "../../src/client/client.ts";
import { createClient } from "../../src/client/create-client.ts";
import type { HandlerFunction } from "../../src/handler.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

/** Clients of an endpoint whose handler `hold` runs until it is released, and counts how many run at once. */
async function serve(limits: { concurrency: number; queue: number }, timeoutMs = 5000) {
  const releases: (() => void)[] = [];
  let running = 0;
  let most = 0;
  let onStart: () => void = () => undefined;
  const hold: HandlerFunction = async (input) => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => {
      releases.push(resolve);
      onStart();
    });
    running--;
    return input;
  };
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"], ...limits } }, handlers: { hold: { timeoutMs } } },
    { hold, quick: (input) => input },
  );
  const address = addressOf(host, "e");
  return {
    address,
    most: () => most,
    release: () => releases.shift()?.(),
    /** Resolves when so many have been started and not released. */
    started: (count: number) =>
      new Promise<void>((resolve) => {
        onStart = () => releases.length >= count && resolve();
        onStart();
      }),
    client(): Client {
      const made = createClient({ connect: address, codec: "json" });
      onTestFinished(() => made.close());
      return made;
    },
  };
}

test("no more run at once than the endpoint's concurrency, and all are answered", async () => {
  const { client, started, release, most } = await serve({ concurrency: 2, queue: 10 });
  const calls = [1, 2, 3, 4, 5].map((input) => client().call("hold", input));
  for (let done = 0; done < 5; done++) {
    await started(Math.min(2, 5 - done));
    release();
  }
  expect(await Promise.all(calls)).toEqual([1, 2, 3, 4, 5]);
  expect(most()).toBe(2);
});

test("what finds the queue full is refused at once, and told when to come back", async () => {
  const { client, started, release } = await serve({ concurrency: 1 + 1, queue: 0 });
  const running = [client().call("hold", 1), client().call("hold", 2)];
  await started(2);
  await expect(client().call("quick", 3)).rejects.toMatchObject({
    code: "resource_exhausted",
    message: "2 calls run and 0 wait; no more are taken",
    details: { retryAfterMs: 100 },
  });
  release();
  release();
  expect(await Promise.all(running)).toEqual([1, 2]);
});

test("a call whose deadline passes while it waits is answered then, and never run", async () => {
  const { client, started, release, most } = await serve({ concurrency: 2, queue: 10 });
  const running = [client().call("hold", 1), client().call("hold", 2)];
  await started(2);
  const patient = client();
  const expired = await patient.call("hold", 3, { metadata: { "timeout-ms": "30" } }).catch((error: unknown) => error);
  expect(expired).toMatchObject({
    code: "deadline_exceeded",
    message: 'handler "hold" had 30 ms, and it waited longer',
  });
  release();
  release();
  expect(await Promise.all(running)).toEqual([1, 2]);
  expect(most()).toBe(2);
});

test("an unknown name is refused without waiting for a place", async () => {
  const { client, started, release } = await serve({ concurrency: 2, queue: 10 });
  const running = [client().call("hold", 1), client().call("hold", 2)];
  await started(2);
  await expect(client().call("nobody", 3)).rejects.toMatchObject({ code: "not_found" });
  release();
  release();
  await Promise.all(running);
});

test("a long queue of synchronous calls is served without growing the stack", async () => {
  const { address, client, started, release } = await serve({ concurrency: 2, queue: 100_000 });
  const running = [client().call("hold", 1), client().call("hold", 2)];
  await started(2);
  const dealer = new Dealer({ linger: 0, receiveTimeout: 10_000, sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  onTestFinished(() => dealer.close());
  dealer.connect(address);
  for (let i = 0; i < 20_000; i++) await dealer.send(["", "ZEP1 call", "quick", "json", "", "1"]);
  await dealer.send(["", "ZEP1 ping"]);
  // The ping is answered at once, so all calls before it have been read and wait.
  expect(String((await dealer.receive())[1])).toBe("ZEP1 ok");
  release();
  release();
  for (let i = 0; i < 20_000; i++) await dealer.receive();
  expect(await Promise.all(running)).toEqual([1, 2]);
});

test("a caller in a hurry gets no more places than the others", async () => {
  const { client, started, release, most } = await serve({ concurrency: 2, queue: 100 });
  const hasty = Array.from({ length: 12 }, () =>
    client()
      .call("hold", 0, { metadata: { "timeout-ms": "40" } })
      .catch((error: { code: string }) => error.code),
  );
  expect(new Set(await Promise.all(hasty))).toEqual(new Set(["deadline_exceeded"]));
  const patient = [client().call("hold", 1), client().call("hold", 2)];
  await started(2);
  release();
  release();
  await started(2);
  release();
  release();
  expect(await Promise.all(patient)).toEqual([1, 2]);
  expect(most()).toBe(2);
});

test("a large call takes more of the queue, a place for each 256 KiB", async () => {
  const { client, started, release } = await serve({ concurrency: 2, queue: 4 });
  const caller = client();
  const running = [caller.call("hold", 1), caller.call("hold", 2)];
  await started(2);
  const large = "x".repeat(3 * 256 * 1024 - 100);
  const waiting = caller.call("hold", large);
  await expect(caller.call("hold", large)).rejects.toMatchObject({ code: "resource_exhausted" });
  const small = caller.call("hold", 3);
  for (const count of [2, 2]) {
    await started(count);
    release();
    release();
  }
  expect(await Promise.all([...running, waiting, small])).toEqual([1, 2, large, 3]);
});

test("a call that is larger than the queue waits alone", async () => {
  const { client, started, release } = await serve({ concurrency: 2, queue: 2 });
  const caller = client();
  const running = [caller.call("hold", 1), caller.call("hold", 2)];
  await started(2);
  const large = "x".repeat(1024 * 1024);
  const waiting = caller.call("hold", large);
  release();
  release();
  await started(1);
  release();
  expect(await Promise.all([...running, waiting])).toEqual([1, 2, large]);
});

test("a large call that is refused turns away none that wait", async () => {
  const { client, started, release } = await serve({ concurrency: 2, queue: 4 });
  const caller = client();
  const running = [caller.call("hold", 1), caller.call("hold", 2)];
  await started(2);
  // Its peer would have as many as the other after one of them had gone, and still not find room.
  const waiting = Promise.allSettled([3, 4, 5, 6].map((input) => caller.call("hold", input)));
  await expect.poll(() => caller.call("nobody", 0).catch(() => "seen")).toBe("seen");
  const large = "x".repeat(3 * 256 * 1024 - 100);
  await expect(client().call("hold", large)).rejects.toMatchObject({ code: "resource_exhausted" });
  for (const count of [2, 2, 2]) {
    await started(count);
    release();
    release();
  }
  await Promise.all(running);
  expect((await waiting).map(({ status }) => status)).toEqual(Array(4).fill("fulfilled"));
});
