/** Hooks that are told of calls, and are around them; whatever they do, a call has its one reply. */
import { AsyncLocalStorage } from "node:async_hooks";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import type { CallHook } from "../../src/core/call.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import type { HandlerFunction } from "../../src/handler.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

async function serve(hooks: readonly CallHook[], vat: HandlerFunction) {
  const log = recordingLog();
  const endpoints = { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 4 } };
  const host = await startHost({ endpoints }, { vat }, { hooks, log });
  const client = createClient({ connect: addressOf(host, "e"), codec: "json" });
  onTestFinished(() => client.close());
  return { call: (input: unknown) => client.call("vat", input), log };
}

test("a handler runs within what the hooks put around it, after an await too", async () => {
  const [one, other] = [new AsyncLocalStorage<string>(), new AsyncLocalStorage<string>()];
  const hooks: CallHook[] = [
    { around: (call, run) => one.run(call.handler, run) },
    { around: (call, run) => other.run(call.codec, run) },
  ];
  const { call } = await serve(hooks, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return [one.getStore(), other.getStore()];
  });
  expect(await call(1)).toEqual(["vat", "json"]);
});

const MISBEHAVIOUR: Record<string, NonNullable<CallHook["around"]>> = {
  "throws before it": () => {
    throw new Error("oops");
  },
  "throws after it": (_, run) => {
    run();
    throw new Error("oops");
  },
  "does not run it": () => {},
  "runs it twice": (_, run) => {
    run();
    run();
  },
};

test.each(Object.entries(MISBEHAVIOUR))("a hook that %s: the handler runs once, and is answered", async (_, around) => {
  let runs = 0;
  const { call } = await serve([{ around }, { around: (_call, run) => run() }], (input) => {
    runs++;
    if (input === "bug") throw new ZmqEchoError("aborted", "no");
    return input;
  });
  expect(await call("fine")).toBe("fine");
  await expect(call("bug")).rejects.toMatchObject({ code: "aborted" });
  expect(runs).toBe(2);
});

test("a hook is told what an internal failure was, and nothing of what the caller is told", async () => {
  const told: string[] = [];
  const hook: CallHook = {
    failed: ({ handler }, error) => told.push(`${handler}: ${error}`),
    end: ({ code }) => told.push(code),
  };
  const { call } = await serve([hook], (input) => {
    throw input === "bug" ? new TypeError("the till is empty") : new ZmqEchoError("aborted", "no");
  });
  for (const input of ["bug", "no"]) await expect(call(input)).rejects.toThrow();
  expect(told).toEqual(["vat: TypeError: the till is empty", "internal", "aborted"]);
});
