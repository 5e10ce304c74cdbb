/** How a host ends: what has reached it is answered, and nothing is left behind. */
import { describe, expect, onTestFinished, test } from "vitest";
import { Dealer } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import { createHost } from "../../src/host.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

function client(connect: string) {
  const made = createClient({ connect, codec: "json" });
  onTestFinished(() => made.close());
  return made;
}

/** A handler that waits until it is told to go on. */
function gate() {
  let open: (value: unknown) => void = () => undefined;
  let entered: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    entered = resolve;
  });
  const result = new Promise((resolve) => {
    open = resolve;
  });
  const handle = () => {
    entered();
    return result;
  };
  return { handle, started, open };
}

for (const [way, concurrency] of Object.entries({ "lock-step": 1, "side by side": 4 })) {
  test(`a running call is answered before the host stops (${way})`, async () => {
    const { handle, started, open } = gate();
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, concurrency, handler: "it", codec: "json" } } },
      { it: handle },
    );
    const call = client(addressOf(host, "e")).request(null);
    await started;
    const stopped = host.stop();
    open("done");
    expect(await call).toBe("done");
    await stopped;
  });

  test(`a call that runs past the grace is answered \`unavailable\` (${way})`, async () => {
    const { handle, started } = gate();
    const host = await startHost(
      { endpoints: { e: { bind: ANY_PORT, concurrency, handler: "it", codec: "json" } } },
      { it: handle },
    );
    const call = client(addressOf(host, "e")).request(null);
    const failed = expect(call).rejects.toMatchObject({ code: "unavailable" });
    await started;
    await host.stop(100);
    await failed;
  });
}

test("a call that comes during the drain is told `unavailable`", async () => {
  const { handle, started, open } = gate();
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, concurrency: 4, handler: "it", codec: "json" } } },
    { it: handle },
  );
  const running = client(addressOf(host, "e")).request(null);
  await started;
  const stopped = host.stop();
  // Until the sockets have been silent, calls are still served; so ask until one is refused.
  const late = client(addressOf(host, "e"));
  for (;;) {
    const error = await late.request(null, { timeoutMs: 60 }).catch((thrown: { code: string }) => thrown);
    if ((error as { code: string }).code === "unavailable") break;
  }
  open("done");
  expect(await running).toBe("done");
  await stopped;
});

test("a handler's signal aborts when its deadline passes", async () => {
  let reason: unknown;
  let aborted: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    aborted = resolve;
  });
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } }, handlers: { it: { timeoutMs: 50 } } },
    {
      it: (_, { signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            aborted();
          });
        }),
    },
  );
  await expect(client(addressOf(host, "e")).request(null)).rejects.toMatchObject({ code: "deadline_exceeded" });
  await ended;
  expect(reason).toMatchObject({ code: "deadline_exceeded" });
});

test("requests that wait in a lock-step socket are all answered, the late ones with `unavailable`", async () => {
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "slow", codec: "json" } } },
    { slow: () => new Promise((resolve) => setTimeout(resolve, 60, "done")) },
  );
  const address = addressOf(host, "e");
  const calls = Array.from({ length: 20 }, () =>
    client(address)
      .request(null)
      .catch((error: { code: string }) => error.code),
  );
  await Promise.race(calls);
  await host.stop();
  const answers = await Promise.all(calls);
  expect(answers.filter((answer) => answer === "done").length).toBeGreaterThan(1);
  expect(answers.filter((answer) => answer !== "done" && answer !== "unavailable")).toEqual([]);
});

test("a peer that sends without end and reads nothing does not keep the host", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, concurrency: 4 } } });
  const flooder = new Dealer({ linger: 0, receiveHighWaterMark: 1, sendHighWaterMark: 10 });
  onTestFinished(() => flooder.close());
  flooder.connect(addressOf(host, "e"));
  let sent = 0;
  const enough = new Promise<void>((resolve) => {
    void (async () => {
      for (; !flooder.closed; sent++) {
        if (sent === 5000) resolve();
        await flooder.send(["", Buffer.alloc(1000)]).catch(() => undefined);
      }
    })();
  });
  await enough;
  await host.stop(500);
  expect(host.addresses.size).toBe(0);
});

test("a teardown that never ends does not keep the host", async () => {
  const log = recordingLog();
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "it" } } },
    { it: { handle: () => 1, teardown: () => new Promise(() => undefined) } },
    { log },
  );
  await host.stop(0);
  expect(log.records.at(-1)).toMatchObject({
    level: "error",
    message: "teardown took over 1000 ms and is not waited for",
  });
});

describe("a host", () => {
  test("starts once, and the second try leaves the first alone", async () => {
    const host = await startHost({ endpoints: { e: { bind: ANY_PORT } } });
    await expect(host.start()).rejects.toMatchObject({ code: "failed_precondition" });
    const asker = createClient({ connect: addressOf(host, "e") });
    onTestFinished(() => asker.close());
    expect(String(await asker.request("still here"))).toBe("still here");
  });

  test("that is told to stop while it starts, stops", async () => {
    const torn: string[] = [];
    const host = createHost(
      { plugins: [], endpoints: { e: { bind: ANY_PORT, handler: "it" } } },
      { log: recordingLog(), handlers: { it: { handle: () => 1, teardown: () => void torn.push("down") } } },
    );
    const started = host.start();
    await host.stop();
    await started;
    expect(host.addresses.size).toBe(0);
    expect(torn).toEqual(["down"]);
    await expect(host.start()).rejects.toMatchObject({ code: "failed_precondition" });
  });

  test("that can't have its address sets nothing up", async () => {
    const steps: string[] = [];
    const it = { setup: () => void steps.push("up"), handle: () => 1, teardown: () => void steps.push("down") };
    const host = createHost(
      { plugins: [], endpoints: { e: { bind: "tcp://192.0.2.1:1", handler: "it" } } },
      { log: recordingLog(), handlers: { it } },
    );
    await expect(host.start()).rejects.toMatchObject({ code: "unavailable" });
    await host.stop();
    expect(steps).toEqual([]);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a grace of %s", async (graceMs) => {
    const host = await startHost({ endpoints: { e: { bind: ANY_PORT } } });
    await expect(host.stop(graceMs)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

test("a signal that is first asked for after the deadline is aborted already", async () => {
  let read: (signal: AbortSignal) => void = () => undefined;
  const signal = new Promise<AbortSignal>((resolve) => {
    read = resolve;
  });
  const host = await startHost(
    { endpoints: { e: { bind: ANY_PORT, handler: "it", codec: "json" } }, handlers: { it: { timeoutMs: 30 } } },
    {
      it: (_, context) =>
        new Promise(() => {
          setTimeout(() => read(context.signal), 90);
        }),
    },
  );
  await expect(client(addressOf(host, "e")).request(null)).rejects.toMatchObject({ code: "deadline_exceeded" });
  expect(await signal).toMatchObject({ aborted: true, reason: { code: "deadline_exceeded" } });
});
