import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { matches } from "../../src/mock/match.ts";
import { mock } from "../../src/mock/mock.ts";
import type { MockRule } from "../../src/mock/rules.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

async function mocked(options: Record<string, unknown>, codec: "json" | "raw" | "cbor" = "json", extra: object = {}) {
  const log = recordingLog();
  const host = await startHost(
    {
      handlers: { mock: { options, ...extra } },
      endpoints: { e: { bind: ANY_PORT, handler: "mock", codec, concurrency: 4 } },
    },
    {},
    { log },
  );
  const client = createClient({ connect: addressOf(host, "e"), codec });
  onTestFinished(() => client.close());
  return { ask: (input: unknown) => client.request(input), log };
}

const rules = (...list: MockRule[]) => mocked({ rules: list });

test("the first rule that matches answers", async () => {
  const { ask } = await rules(
    { match: { order: 7 }, reply: "seven" },
    { match: { order: 7, rush: true }, reply: "never" },
    { reply: null },
  );
  expect(await ask({ order: 7, rush: true })).toBe("seven");
  expect(await ask("anything")).toBe(null);
});

test("an error is the reply that it says, with its details", async () => {
  const { ask } = await rules({ error: { code: "aborted", message: "sold out", details: { left: 0 } } });
  await expect(ask(1)).rejects.toMatchObject({ code: "aborted", message: "sold out", details: { left: 0 } });
});

test("a rule applies so many times, then the next ones do", async () => {
  const { ask } = await rules({ times: 2, reply: "busy" }, { times: 1, reply: "done" });
  expect([await ask(0), await ask(0), await ask(0)]).toEqual(["busy", "busy", "done"]);
  await expect(ask(0)).rejects.toMatchObject({
    code: "not_found",
    message: "nothing matches 0: 2 rules, 2 of them used up",
  });
});

test("a delay holds up its own call alone", async () => {
  const { ask } = await rules({ match: "slow", delayMs: 300, reply: "late" }, { reply: "soon" });
  const from = performance.now();
  expect(await ask("slow")).toBe("late");
  expect(performance.now() - from).toBeGreaterThan(290);
  expect(await ask("x")).toBe("soon");
});

test("a delay ends with its call", async () => {
  const { setup, handle } = mock;
  const state = await setup?.({ handler: "mock", options: { rules: [{ delayMs: 60_000 }] }, log: recordingLog() });
  const context = { handler: "mock", codec: "json", signal: AbortSignal.abort(), state } as Parameters<
    typeof handle
  >[1];
  await expect(handle(null, context)).rejects.toMatchObject({ name: "AbortError" });
});

test("what nothing matches is told with what came", async () => {
  const { ask } = await rules({ match: { a: 1 } }, { match: [] });
  await expect(ask({ a: 2, text: "\u0007" })).rejects.toMatchObject({
    code: "not_found",
    message: 'nothing matches {"a":2,"text":"\\u0007"}: 2 rules',
    details: { rules: 2 },
  });
});

test("without options it is served, and nothing matches", async () => {
  const { ask } = await mocked({});
  await expect(ask(1)).rejects.toMatchObject({ code: "not_found", message: "nothing matches 1: 0 rules" });
});

test("runs in a thread as it does in the host", async () => {
  const { ask } = await mocked({ rules: [{ match: 1, reply: "one" }] }, "json", { isolation: "thread" });
  expect(await ask(1)).toBe("one");
});

test("all mistakes in the rules are told at once, with their paths", async () => {
  const list = [
    { mach: 1 },
    { reply: 1, error: { code: "not_fond" } },
    { times: 0, delayMs: -1 },
    7,
    { error: { message: 1, details: [] } },
  ];
  const failed = mock.setup?.({ handler: "mock", options: { rules: list, rulez: 1 }, log: recordingLog() });
  const error = await Promise.resolve(failed).catch((reason: Error) => reason);
  expect((error as Error).message.split("; options.")).toEqual([
    'options.rulez: there is no such key; did you mean "rules"?',
    'rules[0].mach: there is no such key; did you mean "match"?',
    "rules[1].error: reply and error exclude each other",
    'rules[1].error.code: "not_fond" is no error code; did you mean "not_found"?',
    "rules[2].delayMs: it takes milliseconds from 0 to 2147483647, not -1",
    "rules[2].times: it takes a whole number from 1 on, not 0",
    'rules[3]: a rule is an object such as {"match":…,"reply":…}, not a number',
    'rules[4].error: its "code" is missing, such as "not_found"',
    "rules[4].error.message: a text is expected, not a number",
    "rules[4].error.details: an object is expected, not a list",
  ]);
});

test.each([
  [{ rules: {} }, "options.rules: a list of rules is expected, not an object"],
  [{ rules: [], recording: "r" }, "options.recording: rules and recording exclude each other"],
  [{ recording: 1 }, "options.recording: a file is expected, not a number"],
  [{ recording: "/nowhere/r.jsonl" }, "options.recording: /nowhere/r.jsonl: can't be read"],
])("%j is refused", async (options, message) => {
  const failed = async () => mock.setup?.({ handler: "mock", options, log: recordingLog() });
  await expect(failed()).rejects.toThrow(message);
});

test.each<[unknown, unknown, boolean]>([
  [{ a: 1 }, { a: 1, b: 2 }, true],
  [{ a: { b: [1] } }, { a: { b: [1], c: 0 } }, true],
  [{ a: undefined }, {}, false],
  [{ a: null }, {}, false],
  [{}, [], false],
  [[1], [1, 2], false],
  [[{ a: 1 }], [{ a: 1, b: 2 }], true],
  ["hello", Buffer.from("hello"), true],
  ["/w==", Buffer.from([255]), true],
  ["12345678901234567890", 12345678901234567890n, true],
  ["2026-01-02T03:04:05.000Z", new Date("2026-01-02T03:04:05Z"), true],
  ["1", 1, false],
])("%j matches %o: %s", (rule, value, expected) => {
  expect(matches(rule, value)).toBe(expected);
});

describe("a recording", () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  function recording(pairs: readonly (readonly [string, string])[], header: object = {}): string {
    const lines = [
      { zmqecho: "recording", version: 1, target: "tcp://127.0.0.1:1", codec: "json", zep: false, ...header },
      ...pairs.map(([ask, reply], n) => ({ n, atMs: n, request: [base64(ask)], reply: [base64(reply)], latencyMs: 1 })),
    ];
    return join(folderWith({ "r.jsonl": lines.map((line) => JSON.stringify(line)).join("\n") }), "r.jsonl");
  }

  test("answers equal requests as they were answered, each once, the last one again", async () => {
    const { ask } = await mocked({
      recording: recording([
        ['{"a":1,"b":2}', "1"],
        ['{"b":2,"a":1}', "2"],
        ["0", '"zero"'],
      ]),
    });
    expect([await ask({ a: 1, b: 2 }), await ask({ a: 1, b: 2 }), await ask({ b: 2, a: 1 }), await ask(0)]).toEqual([
      1,
      2,
      2,
      "zero",
    ]);
    await expect(ask(9)).rejects.toMatchObject({
      code: "not_found",
      message: "nothing matches 9: 3 requests recorded with a reply",
    });
  });

  test("answers errors as errors", async () => {
    const { ask } = await mocked({ recording: recording([["1", 'ZEP1 aborted\nno\n{"requestId":"old","left":3}']]) });
    await expect(ask(1)).rejects.toMatchObject({ code: "aborted", message: "no", details: { left: 3 } });
  });

  test("may be served in another codec", async () => {
    const { ask } = await mocked({ recording: recording([["[1]", '{"ok":true}']]) }, "cbor");
    expect(await ask([1])).toEqual({ ok: true });
  });

  test("that was made as raw is read in the codec it is served in", async () => {
    const { ask } = await mocked({ recording: recording([['{ "a":1}', "7"]], { codec: "raw" }) });
    expect(await ask({ a: 1 })).toBe(7);
  });
});
