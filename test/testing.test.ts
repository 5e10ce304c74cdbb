import { execFile } from "node:child_process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { z } from "zod";
import { ZmqEchoError } from "../src/errors.ts";
import { defineCodec, defineHandler, type HandlerFunction } from "../src/handler.ts";
import { testHandler } from "../src/testing.ts";
import { folderWith } from "./config/folder.ts";
import { recordingLog } from "./hosts.ts";

const CODECS = ["json", "cbor", "msgpack", "protobuf"] as const;

test.each(CODECS)("a value goes through %s both ways", async (codec) => {
  await using same = await testHandler((input) => input, { codec });
  expect(await same.call({ list: [1, "two", null, true] })).toEqual({ list: [1, "two", null, true] });
});

test("what a codec does to a value is seen", async () => {
  const when = new Date(0);
  await using json = await testHandler(() => ({ when, big: 2n ** 60n }), { codec: "json" });
  expect(await json.call(null)).toEqual({ when: "1970-01-01T00:00:00.000Z", big: "1152921504606846976" });
  await using cbor = await testHandler(() => ({ when, big: 2n ** 60n }), { codec: "cbor" });
  expect(await cbor.call(null)).toEqual({ when, big: 2n ** 60n });
});

test("raw is the default, with all its frames", async () => {
  await using same = await testHandler((input) => input);
  const frames = [Buffer.from([0, 255]), Buffer.alloc(0)];
  expect(await same.exchange(frames)).toEqual(frames);
  expect(await same.call("text")).toEqual(Buffer.from("text"));
});

test("a codec of one's own, and a schema, can be given", async () => {
  const csv = defineCodec({
    encode: (value) => Buffer.from((value as string[]).join(",")),
    decode: (bytes) => Buffer.from(bytes).toString().split(","),
  });
  await using reverse = await testHandler((input) => (input as string[]).toReversed(), { codec: csv });
  expect(await reverse.call(["a", "b"])).toEqual(["b", "a"]);

  const proto = "test/data/kinds.proto";
  await expect(testHandler(() => null, { codec: { type: "protobuf", proto, request: "Nope" } })).rejects.toThrow(
    "Nope",
  );
});

test("setup, options, state and the context are there, and teardown runs once", async () => {
  const seen: unknown[] = [];
  const greet = defineHandler({
    setup: ({ options, handler }) => ({ greeting: String(options.greeting), handler }),
    handle: (name, { state, handler, endpoint, codec, metadata }) => {
      seen.push([handler, endpoint, codec, metadata, state.handler]);
      return `${state.greeting} ${name}`;
    },
    teardown: (state) => void seen.push(state.greeting),
  });
  const tested = await testHandler(greet, {
    codec: "json",
    options: { greeting: "Hi" },
    handler: "greet",
    endpoint: "door",
    metadata: { user: "7" },
  });
  expect(await tested.call("Ann")).toBe("Hi Ann");
  expect(await tested.call("Bob", { metadata: { user: "8", "request-id": "r" } })).toBe("Hi Bob");
  await tested.close();
  await tested.close();
  expect(seen).toEqual([
    ["greet", "door", "json", { user: "7" }, "greet"],
    ["greet", "door", "json", { user: "8" }, "greet"],
    "Hi",
  ]);
});

test("schemas check input and output as in a host", async () => {
  const log = recordingLog();
  const double = defineHandler({
    input: z.object({ n: z.number().default(2) }),
    output: z.number().max(10),
    handle: ({ n }) => n * 2,
  });
  await using tested = await testHandler(double, { codec: "json", log });
  expect(await tested.call({})).toBe(4);
  await expect(tested.call({ n: "x" })).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(tested.call({ n: 6 })).rejects.toMatchObject({ code: "internal" });
});

test("errors are those that a client would get", async () => {
  const log = recordingLog();
  const fail = defineHandler({
    timeoutMs: 60,
    handle(input) {
      if (input === "ours") throw new ZmqEchoError("not_found", "no such order", { details: { order: 7 } });
      if (input === "hang") return new Promise(() => {});
      if (input === "function") return () => {};
      throw new Error("secret");
    },
  });
  await using tested = await testHandler(fail, { codec: "json", log });
  await expect(tested.call("ours")).rejects.toMatchObject({
    name: "ZmqEchoError",
    code: "not_found",
    message: "no such order",
    details: { order: 7, requestId: expect.any(String) },
  });
  await expect(tested.call("hang")).rejects.toMatchObject({ code: "deadline_exceeded" });
  await expect(tested.call("function")).rejects.toMatchObject({ code: "internal" });
  const internal = await tested.call("other").catch((error: unknown) => error);
  expect(internal).toMatchObject({ code: "internal" });
  expect(String(internal)).not.toContain("secret");
  expect(log.records).toContainEqual({
    level: "error",
    fields: expect.objectContaining({ code: "internal", err: expect.objectContaining({ message: "secret" }) }),
    message: "handler handler failed",
  });
  await expect(tested.call(() => {})).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(tested.exchange([Buffer.from("{")])).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(tested.exchange([])).rejects.toMatchObject({ code: "invalid_argument" });
});

test("deadlines come from the options, and from reserved metadata", async () => {
  const hang = () => new Promise(() => {});
  await using short = await testHandler(hang, { codec: "json", timeoutMs: 20 });
  await expect(short.call(null)).rejects.toMatchObject({ code: "deadline_exceeded", message: /20 ms/ });
  // It ends when it is told to: to close waits for what runs.
  const patient: HandlerFunction = (_, { signal }) => once(signal, "abort");
  await using long = await testHandler(patient, { codec: "json" });
  await expect(long.call(null, { metadata: { "timeout-ms": "20" } })).rejects.toMatchObject({
    code: "deadline_exceeded",
  });
  await expect(long.call(null, { metadata: { "timeout-ms": "soon" } })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

test("limits hold for requests and for replies", async () => {
  const log = recordingLog();
  await using tested = await testHandler((input) => (input === "big" ? "x".repeat(200) : input), {
    codec: "json",
    limits: { maxMessageBytes: 100, maxDepth: 2, maxFrames: 2 },
    log,
  });
  await expect(tested.call("x".repeat(200))).rejects.toMatchObject({ code: "resource_exhausted" });
  await expect(tested.exchange([Buffer.from("1"), Buffer.from("2"), Buffer.from("3")])).rejects.toMatchObject({
    code: "resource_exhausted",
  });
  await expect(tested.call([[[1]]])).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(tested.call("big")).rejects.toMatchObject({ code: "internal" });
});

test("a plugin's file is loaded as a host loads it", async () => {
  const folder = folderWith({
    "vat.ts":
      'import { rate } from "./lib/rate.ts";\nexport default (net: number, { handler }) => [handler, net * rate];\n',
    "lib/rate.ts": "export const rate: number = 2;\n",
    "broken.ts": "export default (;\n",
    "codec.ts": "export default { handel: () => null };\n",
  });
  await using byPath = await testHandler(`${folder}/vat.ts`, { codec: "json" });
  expect(await byPath.call(4)).toEqual(["vat", 8]);
  await using byUrl = await testHandler(pathToFileURL(`${folder}/vat.ts`), { codec: "json", handler: "tax" });
  expect(await byUrl.call(4)).toEqual(["tax", 8]);
  await expect(testHandler(`${folder}/broken.ts`)).rejects.toThrow(`${folder}/broken.ts:1:17`);
  await expect(testHandler(`${folder}/codec.ts`)).rejects.toMatchObject({ code: "unavailable" });
});

test("limits are those of both sides, and one that is undefined is the default", async () => {
  const size = (input: unknown) => String(input).length;
  const maxMessageBytes = 6 * 1024 * 1024;
  await using wide = await testHandler(size, { codec: "json", limits: { maxMessageBytes } });
  expect(await wide.call("x".repeat(5 * 1024 * 1024))).toBe(5 * 1024 * 1024);
  await using same = await testHandler(() => 1, { codec: "json", limits: { maxDepth: undefined } as object });
  expect(await same.call([[1]])).toBe(1);
  await expect(same.call("x".repeat(5 * 1024 * 1024))).rejects.toMatchObject({ code: "resource_exhausted" });
});

test("what is no handler, and a setup that fails, is told at once", async () => {
  await expect(testHandler({ handel: () => null } as never)).rejects.toThrow("no handle");
  await expect(testHandler({ handle: () => null, timeoutMS: 5 } as never)).rejects.toThrow('did you mean "timeoutMs"');
  const log = recordingLog();
  const setup = () => Promise.reject(new Error("no database"));
  await expect(testHandler({ setup, handle: () => null }, { log })).rejects.toThrow("no database");
  await expect(testHandler(() => null, { codec: "jsn" as never })).rejects.toMatchObject({ code: "unimplemented" });
});

test("closing waits for what runs, then refuses", async () => {
  let finish = (_: string) => {};
  const order: string[] = [];
  const tested = await testHandler(
    {
      handle: () =>
        new Promise<string>((resolve) => {
          finish = resolve;
        }),
      teardown: () => void order.push("teardown"),
    },
    { codec: "json" },
  );
  const running = tested.call(null);
  const closed = tested.close();
  await expect(tested.call(null)).rejects.toMatchObject({ code: "unavailable" });
  order.push("finish");
  finish("done");
  expect(await running).toBe("done");
  await closed;
  expect(order).toEqual(["finish", "teardown"]);
});

test("it needs no zeromq", async () => {
  const script = `
    import { createRequire } from "node:module";
    import { testHandler } from ${JSON.stringify(new URL("../dist/testing.js", import.meta.url).href)};
    const same = await testHandler((input) => input, { codec: "json" });
    const reply = await same.call([1]);
    await same.close();
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes("zeromq"));
    console.log(JSON.stringify({ reply, loaded, addons: process.report.getReport().sharedObjects.filter((file) => file.includes("zeromq")) }));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(JSON.parse(stdout)).toEqual({ reply: [1], loaded: [], addons: [] });
});
