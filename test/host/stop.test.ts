/** How a host ends: what has reached it is answered, and nothing is left behind. */
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

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

for (const [socket, concurrency] of Object.entries({ REP: 1, ROUTER: 4 })) {
  test(`a running call is answered before the host stops (${socket})`, async () => {
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

  test(`a call that runs past the grace is answered \`unavailable\` (${socket})`, async () => {
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
