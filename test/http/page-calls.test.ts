import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { ZmqEchoError } from "../../src/errors.ts";
import { PAGE_PATHS } from "../../src/wire/page.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT } from "../hosts.ts";
import { call, callHeaders, hostWithPage, post } from "./pages.ts";
import { connectRaw } from "./raw.ts";

const ASKED = JSON.stringify({ endpoint: "all", handler: "echo", codec: "json", body: "1" });

test.each(["json", "cbor", "msgpack", "protobuf"])("a value goes there and back by %s", async (codec) => {
  const { outcome } = await call(await hostWithPage(), { codec, body: '{"a":[1,"ä",null]}' });
  expect(outcome).toMatchObject({ code: "ok", form: "json" });
  expect("value" in outcome && JSON.parse(outcome.value)).toEqual({ a: [1, "ä", null] });
});

test("raw takes text, and bytes in hex", async () => {
  const page = await hostWithPage();
  expect((await call(page, { codec: "raw", body: "Hello" })).outcome).toMatchObject({ form: "text", value: "Hello" });
  const { outcome, sent } = await call(page, { codec: "raw", body: "ff 00\n0a", isHex: true });
  expect(outcome).toMatchObject({ form: "hex", value: expect.stringContaining("ff 00 0a") });
  expect(sent.at(-1)).toMatchObject({ bytes: 3 });
  await expect(call(page, { codec: "raw", body: "f", isHex: true })).rejects.toThrow(
    "400: invalid_argument: the body is no hex",
  );
});

test("a protobuf codec with other types for requests and replies is used the client's way round", async () => {
  const proto = join(folderWith({}), "order.proto");
  await writeFile(proto, 'syntax = "proto3"; message Ask { int64 id = 1; } message Told { string item = 1; }');
  const codecs = { order: { type: "protobuf" as const, proto: [proto], request: "Ask", response: "Told" } };
  const endpoints = { e: { bind: ANY_PORT, handler: "find", codec: "order" } };
  const page = await hostWithPage(
    { codecs, endpoints },
    { find: (ask) => ({ item: `no. ${(ask as { id: bigint }).id}` }) },
  );
  const { outcome } = await call(page, {
    endpoint: "e",
    handler: "find",
    codec: "order",
    body: '{"id":"9007199254740993"}',
  });
  expect("value" in outcome && JSON.parse(outcome.value)).toEqual({ item: "no. 9007199254740993" });
});

test("the frames are those of the wire, both ways", async () => {
  const { sent, received } = await call(await hostWithPage(), { body: "1", metadata: { "request-id": "r1" } });
  const texts = sent.map(({ dump }) => /\|(.*)\|/.exec(dump)?.[1]);
  expect(texts).toEqual(["ZEP1 call", "echo", "json", '{"request-id":"r', "1"]);
  expect(received.map(({ dump }) => /\|(.*)\|/.exec(dump)?.[1])).toEqual(["ZEP1 ok", "json", undefined, "1"]);
});

test("a plain endpoint gets the body alone", async () => {
  const page = await hostWithPage({ endpoints: { e: { bind: ANY_PORT, codec: "json" } } });
  expect((await call(page, { endpoint: "e", body: "1" })).sent).toEqual([
    { bytes: 1, dump: expect.stringContaining("|1|") },
  ]);
  await expect(call(page, { endpoint: "e", codec: "cbor" })).rejects.toThrow(
    "400: invalid_argument: this endpoint serves echo in json",
  );
  await expect(call(page, { endpoint: "e", metadata: { a: "b" } })).rejects.toThrow("takes a body alone");
});

test("an error of the handler comes with code, message and details", async () => {
  const find = () => {
    throw new ZmqEchoError("not_found", "no such order", { details: { id: 7 } });
  };
  const { outcome } = await call(await hostWithPage({}, { find }), { handler: "find" });
  expect(outcome).toEqual({
    code: "not_found",
    message: "no such order",
    details: { id: 7, requestId: expect.any(String) },
  });
});

test("what a schema refuses, and what is not served, is answered as to any client", async () => {
  const endpoints = { all: { bind: ANY_PORT, handlers: ["twice"] } };
  const page = await hostWithPage({ endpoints }, { twice: { input: z.number(), handle: (n) => 2 * Number(n) } });
  expect((await call(page, { handler: "twice" })).outcome).toMatchObject({ code: "invalid_argument" });
  expect((await call(page, { handler: "echo" })).outcome).toMatchObject({ code: "not_found" });
});

test("limits and deadlines of the endpoint hold, and its counts count", async () => {
  const limits = { maxMessageBytes: 1024 };
  const slow = { timeoutMs: 20, handle: () => new Promise(() => {}) };
  const page = await hostWithPage(
    { endpoints: { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 8, limits } } },
    { slow },
  );
  expect((await call(page, { handler: "slow" })).outcome).toMatchObject({ code: "deadline_exceeded" });
  const hint = { metadata: { "timeout-ms": "x" } };
  await expect(call(page, hint)).rejects.toThrow("metadata timeout-ms takes milliseconds");
  await expect(call(page, { body: JSON.stringify("x".repeat(2000)) })).rejects.toThrow(
    "json can't encode 2002 bytes; 1024 at most",
  );
  expect(page.host.stats().endpoints.all?.codes).toEqual({ deadline_exceeded: 1 });
});

test("a body that is no JSON is not sent, and it is said why", async () => {
  const page = await hostWithPage();
  await expect(call(page, { body: "hello" })).rejects.toThrow("the body is no JSON, which the codec json takes");
  await expect(call(page, { codec: "xml" })).rejects.toThrow('400: unimplemented: there is no codec "xml"');
  await expect(call(page, { endpoint: "none" })).rejects.toThrow('404: endpoint "none" is not open');
  expect(page.host.stats().endpoints.all?.codes).toEqual({});
});

test("a large reply is cut, and it is said", async () => {
  const page = await hostWithPage({}, { much: () => "x".repeat(600_000) });
  const { outcome, received } = await call(page, { handler: "much" });
  expect(outcome).toMatchObject({ code: "ok", cut: true });
  expect("value" in outcome && outcome.value.length).toBe(256 * 1024);
  expect(received.at(-1)?.bytes).toBe(600_002);
});

test.each([
  ["without a token", { Authorization: "" }, 401],
  ["with another token", { Authorization: "Bearer x" }, 401],
  ["from another origin", { Origin: "http://evil.example" }, 403],
  ["from another port of this machine", { Origin: "http://127.0.0.1:1" }, 403],
  ["from an opaque origin", { Origin: "null" }, 403],
  ["from another site, as the browser says", { "Sec-Fetch-Site": "cross-site" }, 403],
  ["from another name of this site", { "Sec-Fetch-Site": "same-site" }, 403],
  ["as a form could send it", { "Content-Type": "text/plain" }, 415],
])("a call %s is refused", async (_, other, status) => {
  const { url, token, host } = await hostWithPage();
  const refused = await post(url, ASKED, { ...callHeaders(token), ...other });
  expect(refused).toEqual({ status, json: { error: expect.any(String) } });
  expect(host.stats().endpoints.all?.codes).toEqual({});
});

test("several frames that are no text are in hex, each from its own beginning, and cut if they are much", async () => {
  const frames = Array.from({ length: 8 }, () => Buffer.alloc(128 * 1024, 0xff));
  const { outcome } = await call(await hostWithPage({}, { frames: () => frames }), { handler: "frames", codec: "raw" });
  expect(outcome).toMatchObject({ form: "hex", cut: true });
  const few = [Buffer.from([0xff]), Buffer.alloc(0), Buffer.from([0xfe])];
  const { outcome: whole } = await call(await hostWithPage({}, { few: () => few }), { handler: "few", codec: "raw" });
  expect(whole).toMatchObject({
    form: "hex",
    cut: false,
    value: expect.stringMatching(/^0{8} {2}ff .*\n\n0{8} {2}fe /),
  });
});

test("a call without the header of its own is refused", async () => {
  const { url, token } = await hostWithPage();
  const { "Zmqecho-Call": _, ...headers } = callHeaders(token);
  expect((await post(url, ASKED, headers)).status).toBe(415);
});

test("no answer lets another origin read it", async () => {
  const { url, token } = await hostWithPage();
  const headers = { ...callHeaders(token), Origin: url };
  const answers = await Promise.all([
    fetch(`${url}${PAGE_PATHS.call}`, { method: "POST", headers, body: ASKED }),
    fetch(`${url}${PAGE_PATHS.call}`, { method: "OPTIONS", headers: { Origin: "http://evil.example" } }),
    fetch(`${url}${PAGE_PATHS.setup}`, { headers }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 405, 200]);
  for (const answer of answers) expect([...answer.headers.keys()].join()).not.toContain("access-control");
});

test("a call of over a mebibyte is refused", async () => {
  const { url, token } = await hostWithPage();
  const { status, json } = await post(url, " ".repeat(1024 * 1024 + 1), callHeaders(token));
  expect({ status, json }).toEqual({ status: 413, json: { error: expect.stringContaining("1048576 bytes at most") } });
});

test.each(["", "{", "null", "[]", '{"endpoint":"all"}', JSON.stringify({ ...JSON.parse(ASKED), metadata: { a: 1 } })])(
  "what is no call is refused: %j",
  async (text) => {
    const { url, token } = await hostWithPage();
    expect((await post(url, text, callHeaders(token))).status).toBe(400);
  },
);

test("who leaves in the middle of a call's body has its place free again, and is no error in the log", async () => {
  const page = await hostWithPage();
  const headers = Object.entries(callHeaders(page.token)).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${PAGE_PATHS.call} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers.join("")}Content-Length: 99\r\n\r\n{`;
  const peers = await Promise.all(Array.from({ length: 8 }, () => connectRaw(page.url, head)));
  await expect.poll(() => call(page, {}).catch(({ message }: Error) => message)).toContain("8 calls at once");
  for (const { socket } of peers) socket.destroy();
  await expect
    .poll(() => call(page, {}).catch(({ message }: Error) => message))
    .toMatchObject({ sent: [{}, {}, {}, {}, {}] });
  expect(page.log.records.filter(({ level }) => level === "error")).toEqual([]);
});

test("more than twenty calls in a moment are too many", async () => {
  const page = await hostWithPage();
  const results: number[] = [];
  for (let count = 0; count < 40; count++) results.push((await post(page.url, ASKED, callHeaders(page.token))).status);
  expect(results.slice(0, 20)).toEqual(new Array(20).fill(200));
  expect(results).toContain(429);
});

test("calls without the token take none of those that may be made", async () => {
  const page = await hostWithPage();
  for (let count = 0; count < 40; count++) await post(page.url, ASKED, callHeaders("guessed"));
  expect((await call(page, {})).outcome).toMatchObject({ code: "ok" });
});

test("eight calls run at once, and no more", async () => {
  let open: (value: unknown) => void = () => {};
  const opened = new Promise((resolve) => {
    open = resolve;
  });
  const endpoints = { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 32 } };
  const page = await hostWithPage({ endpoints }, { wait: () => opened.then(() => null) });
  const calls = Array.from({ length: 8 }, () => call(page, { handler: "wait" }));
  await expect.poll(() => page.host.stats().handlers.wait?.inFlight).toBe(8);
  await expect(call(page, {})).rejects.toThrow("429: 8 calls at once at most");
  open(null);
  await Promise.all(calls);
  expect((await call(page, {})).outcome).toMatchObject({ code: "ok" });
});
