/** What a plugin sends to the host by the worker's own way there, past all that is meant for it. */
import { describe, expect, test } from "vitest";
import { errorOf, type Kind, walled } from "./workers.ts";

/** Sends what the call says, once, and then answers. */
const SENDING: Record<Kind, string> = {
  thread: `import { workerData } from "node:worker_threads";
    const send = (message) => workerData.postMessage(message);`,
  process: `import { writeSync } from "node:fs";
    import { serialize } from "node:v8";
    const send = (message) => {
      const bytes = serialize(message);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      writeSync(3, Buffer.concat([length, bytes]));
    };`,
};
const sends = (kind: Kind) => `${SENDING[kind]}
  export default async ({ message }) => {
    if (message !== undefined) send(message);
    await new Promise((resolve) => setTimeout(resolve, 30));
    return "an answer";
  };`;

describe.each(["thread", "process"] as const)("in a %s", (kind) => {
  test.each([
    ["an error without data", { kind: "error", id: 1 }],
    ["a log line without fields", { kind: "log", level: "info", errors: 7 }],
    ["a result without frames", { kind: "result", id: 1, body: [] }],
    ["a result of other things than bytes", { kind: "result", id: 1, body: ["x"] }],
  ])("%s costs one error or nothing, and the next call is served", async (_, message) => {
    const { call, runner } = await walled(kind, sends(kind));
    const result = await call({ message }).catch((error: Error) => error.message);
    expect(["an answer", expect.stringContaining("sent what is no message")]).toContainEqual(result);
    expect(await call({})).toBe("an answer");
    expect(runner.workers.live()).toBe(1);
  });

  test.each([null, 7, "text", { kind: "unheard of" }])(
    "%j is as if it had not been sent, or costs one call",
    async (message) => {
      const { call } = await walled(kind, sends(kind));
      await call({ message }).catch(errorOf);
      expect(await call({})).toBe("an answer");
    },
  );
});

test("bytes that are no message at all end the process, and the next call is served by another", async () => {
  const { call, runner } = await walled(
    "process",
    `import { writeSync } from "node:fs";
    export default async (input) => {
      if (input.spoil) writeSync(3, Buffer.from([3, 0, 0, 0, 9, 9, 9]));
      await new Promise((resolve) => setTimeout(resolve, 30));
      return "an answer";
    };`,
  );
  expect((await errorOf(call({ spoil: true }))).message).toContain("was ended by SIGKILL");
  expect(await call({})).toBe("an answer");
  expect(runner.workers.lost()).toBe(1);
});
