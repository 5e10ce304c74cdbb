/** What a client makes of replies to its questions; what hosts reply is in test/host/introspection.test.ts. */
import { expect, test } from "vitest";
import { createIntrospection } from "../../src/client/introspect.ts";
import { CallError, ZmqEchoError } from "../../src/errors.ts";

/** Asks a server that replies with these frames. */
function asking(...frames: string[]) {
  return createIntrospection(async () => frames.map((frame) => Buffer.from(frame)));
}

const told = (facts: unknown) => asking("ZEP1 ok", "json", "", JSON.stringify(facts));

test("a question is a message of its own, and its reply an object", async () => {
  const sent: string[][] = [];
  const { describe } = createIntrospection(async (frames) => {
    sent.push(frames.map(String));
    const reply = { name: "vat", state: "ready", codecs: ["json"], limits: {}, more: 1 };
    return ["ZEP1 ok", "json", "", JSON.stringify(reply)].map((frame) => Buffer.from(frame));
  });
  expect(await describe("vat")).toMatchObject({ name: "vat", more: 1 });
  expect(sent).toEqual([["ZEP1 describe", "vat"]]);
});

test.each([
  ["no object", []],
  ["a list without handlers", { codecs: [] }],
  ["a handler without a name", { handlers: [{ state: "ready" }], codecs: [] }],
  ["codecs that are no texts", { handlers: [], codecs: [1] }],
])("%s is the server's mistake", async (_name, facts) => {
  const error = await told(facts)
    .list()
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "internal", message: "the reply to list does not hold what ZEP/1 has it hold" });
});

test("a description with something else in its lists is too", async () => {
  const facts = { name: "vat", state: "ready", codecs: [], limits: {}, protobuf: ["order"] };
  await expect(told(facts).describe("vat")).rejects.toMatchObject({ code: "internal" });
});

test("what is no JSON is too", async () => {
  await expect(asking("ZEP1 ok", "json", "", "{").list()).rejects.toMatchObject({
    code: "internal",
    message: "the reply to list is no JSON",
  });
});

test("what the server refuses is a call's error, with its code", async () => {
  const error = await asking("ZEP1 not_found", "no vat", '{"requestId":"1"}')
    .describe("vat")
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CallError);
  expect(error).toMatchObject({ code: "not_found", message: "no vat" });
});

test.each([[["hello"]], [["ZEP1 list"]], [["", "x", "y"]]])("%j is no ZEP/1", async (frames) => {
  await expect(asking(...frames).list()).rejects.toMatchObject({
    code: "unimplemented",
    message: expect.stringContaining("the server does not speak ZEP/1"),
  });
});

test("an error of this side stays what it is", async () => {
  const { ping } = createIntrospection(() => Promise.reject(new ZmqEchoError("unavailable", "nobody there")));
  await expect(ping()).rejects.toMatchObject({ name: "CallError", code: "unavailable", message: "nobody there" });
});
