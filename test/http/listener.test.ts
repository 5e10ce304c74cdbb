/** What strangers can do to the HTTP server: little. */
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { type Listener, type ListenOptions, listen, type Route, type Routes, reply } from "../../src/http/listener.ts";
import { recordingLog } from "../hosts.ts";
import { askRaw, connectRaw } from "./raw.ts";

const LARGE = "x".repeat(32 * 1024 * 1024);

const ROUTES: Routes = {
  "/": { method: "GET", handle: (_, response) => reply(response, 200, "the page\n") },
  "/call": {
    method: "POST",
    async handle(request, response) {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      reply(response, 200, `${bytes} bytes\n`);
    },
  },
  "/probe": { method: "GET", anyHost: true, handle: (_, response) => reply(response, 200, "ok\n") },
  "/large": { method: "GET", handle: (_, response) => reply(response, 200, LARGE) },
  "/stream": { method: "GET", handle: (_, response) => void response.write("first\n") },
  "/fails": { method: "GET", handle: () => Promise.reject(new Error("a secret")) },
};

async function open(options: Partial<ListenOptions> = {}, routes = ROUTES): Promise<Listener> {
  const listener = await listen("127.0.0.1:*", routes, {
    hosts: () => ["ops.example"],
    log: recordingLog(),
    ...options,
  });
  onTestFinished(() => listener.close());
  return listener;
}

const request = (line: string, ...headers: string[]) => `${[line, ...headers].join("\r\n")}\r\n\r\n`;
const get = (path: string, ...headers: string[]) =>
  request(`GET ${path} HTTP/1.1`, "Host: localhost", "Connection: close", ...headers);
const statusOf = (response: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(response)?.[1]);

test("every response says that it is for no other site and no frame", async () => {
  const { url } = await open();
  for (const path of ["/", "/nowhere", "/fails"]) {
    const { headers } = await fetch(`${url}${path}`);
    expect(Object.fromEntries(headers)).toMatchObject({
      "cache-control": "no-store",
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
  }
  expect(await askRaw(url, "garbage\r\n\r\n")).toContain("X-Frame-Options: DENY");
});

test("a route that fails says nothing of why, and the log does", async () => {
  const log = recordingLog();
  const { url } = await open({ log });
  const response = await fetch(`${url}/fails`);
  expect([response.status, await response.text()]).toEqual([500, "internal error; the host's log has the cause\n"]);
  expect(log.records.map(({ message }) => message)).toEqual(["an HTTP request failed: a secret"]);
});

test("HEAD gets the head of GET, with the length", async () => {
  const { url } = await open();
  const response = await fetch(url, { method: "HEAD" });
  expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "9", ""]);
});

test("another method is refused with those that there are", async () => {
  const { url } = await open();
  for (const method of ["POST", "OPTIONS", "DELETE", "PROPFIND"]) {
    const response = await fetch(url, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  }
  expect((await fetch(`${url}/call`)).headers.get("allow")).toBe("POST");
  expect(statusOf(await askRaw(url, request("BREW / HTTP/1.1", "Host: localhost")))).toBe(400);
});

test("CONNECT is refused, and an upgrade passed over", async () => {
  const { url } = await open();
  expect(statusOf(await askRaw(url, request("CONNECT example.com:443 HTTP/1.1", "Host: example.com")))).toBe(405);
  const upgrade = get("/").replace("Connection: close", "Connection: close, Upgrade\r\nUpgrade: websocket");
  expect(statusOf(await askRaw(url, upgrade))).toBe(200);
});

test("a body that is announced is asked for, and any other expectation refused", async () => {
  const { url } = await open();
  const head = "POST /call HTTP/1.1";
  const common = ["Host: localhost", "Connection: close", "Content-Length: 5"];
  const peer = await connectRaw(url, request(head, ...common, "Expect: 100-continue"));
  await once(peer.socket, "data");
  expect(peer.received()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  peer.socket.write("hello");
  expect(await peer.closed).toContain("\r\n\r\n5 bytes\n");
  expect(statusOf(await askRaw(url, request(head, ...common, "Expect: the-unexpected")))).toBe(417);
});

test("requests that come at once are answered in their order", async () => {
  const { url } = await open();
  const keep = get("/").replace("Connection: close\r\n", "");
  const responses = await askRaw(url, keep + keep.replace("/", "/probe") + get("/nowhere"));
  expect([...responses.matchAll(/\r\n\r\n([^\n]+)\n/g)].map(([, body]) => body)).toEqual([
    "the page",
    "ok",
    "there is nothing here",
  ]);
});

test("a connection ends after so many requests", async () => {
  const { url } = await open({ limits: { requests: 3, pipelined: 10 } });
  const keep = get("/").replace("Connection: close\r\n", "");
  const peer = await connectRaw(url, keep.repeat(4));
  while (!peer.received().includes("HTTP/1.1 503")) await once(peer.socket, "data");
  expect(peer.received().match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
});

test("a URL and headers have a size", async () => {
  const { url } = await open();
  expect(statusOf(await askRaw(url, get(`/?${"x".repeat(3000)}`)))).toBe(414);
  expect(statusOf(await askRaw(url, get(`/?${"x".repeat(20_000)}`)))).toBe(431);
  expect(statusOf(await askRaw(url, get("/", `X: ${"x".repeat(10_000)}`)))).toBe(431);
  expect(statusOf(await askRaw(url, get("/", ...Array<string>(1000).fill("Name: value"))))).toBe(431);
});

test("what is no HTTP is told so, and hung up on", async () => {
  const { url } = await open();
  const handshake = Buffer.from("160301020001000001fc0303", "hex");
  for (const bytes of ["garbage\r\n\r\n", Buffer.of(0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f), handshake, "\0\r\n"])
    expect(statusOf(await askRaw(url, bytes))).toBe(400);
  expect(statusOf(await askRaw(url, request("GET / HTTP/1.1")))).toBe(400);
  expect(statusOf(await askRaw(url, request("GET / HTTP/1.1", "Host: a", "Content-Length: -1")))).toBe(400);
  const both = request("POST /call HTTP/1.1", "Host: localhost", "Content-Length: 3", "Transfer-Encoding: chunked");
  expect(statusOf(await askRaw(url, both))).toBe(400);
});

test("headers that do not come are not waited for, nor is a connection that says nothing", async () => {
  const { url } = await open({ limits: { headersMs: 50, lookMs: 10 } });
  const slow = await connectRaw(url, "GET / HTTP/1.1\r\nHost: lo");
  const mute = await connectRaw(url);
  expect(statusOf(await slow.closed)).toBe(408);
  expect(statusOf(await mute.closed)).toBe(408);
});

test("a body that does not come is not waited for", async () => {
  const { url } = await open({ limits: { headersMs: 50, requestMs: 100, lookMs: 10 } });
  const head = request("POST /call HTTP/1.1", "Host: localhost", "Content-Length: 100");
  await askRaw(url, `${head}only this`);
});

test("a body that nobody asked for is not read to its end", async () => {
  const { url } = await open();
  const peer = await connectRaw(url, request("GET / HTTP/1.1", "Host: localhost", "Content-Length: 1000000000"));
  expect(statusOf(await peer.closed)).toBe(200);
});

test("a connection that has been answered and asks no more ends", async () => {
  const { url } = await open({ limits: { keepAliveMs: 50 } });
  expect(statusOf(await askRaw(url, request("GET / HTTP/1.1", "Host: localhost")))).toBe(200);
});

test("whoever does not read a response is let go", async () => {
  const { url } = await open({ limits: { readingMs: 50 } });
  const peer = await connectRaw(url, get("/large"));
  peer.socket.pause();
  // Nothing tells a peer that does not read that it was hung up on, but the failure of what it writes.
  const writing = setInterval(() => peer.socket.write("x"), 10);
  onTestFinished(() => clearInterval(writing));
  await peer.closed;
});

test("a response that is not ended may go on, however little is written", async () => {
  const { url } = await open({ limits: { headersMs: 50, requestMs: 100, keepAliveMs: 50, readingMs: 50, lookMs: 10 } });
  const stream = await connectRaw(url, get("/stream"));
  await once(stream.socket, "data");
  // A peer that came later than the stream, and has gone by all of these times.
  await (await connectRaw(url)).closed;
  expect(stream.socket.closed).toBe(false);
});

test("when there are as many connections as may be, the one that asked for nothing longest goes", async () => {
  const { url } = await open({ limits: { connections: 3 } });
  const stream = await connectRaw(url, get("/stream"));
  await once(stream.socket, "data");
  const keep = request("GET /probe HTTP/1.1", "Host: localhost");
  const first = await connectRaw(url, keep);
  await once(first.socket, "data");
  const second = await connectRaw(url);
  first.socket.write(keep);
  await once(first.socket, "data");
  await connectRaw(url);
  expect(await second.closed, "hung up on, and not told that it was slow").toBe("");
  expect([stream.socket.closed, first.socket.closed]).toEqual([false, false]);
});

test("when all are being answered, and many more have come, whoever comes is hung up on", async () => {
  const { url } = await open({ limits: { connections: 1 } });
  for (let n = 0; n < 8; n++) await once((await connectRaw(url, get("/stream"))).socket, "data");
  expect(await askRaw(url, get("/probe"))).toBe("");
});

test("whoever asks is answered, however many come at once", async () => {
  const { url } = await open({ limits: { connections: 10 } });
  const crowd = await Promise.all(Array.from({ length: 60 }, () => connectRaw(url)));
  expect(statusOf(await askRaw(url, get("/probe")))).toBe(200);
  expect(await Promise.race(crowd.map(({ closed }) => closed))).toBe("");
});

test("a request is begun when the one before it is answered", async () => {
  let begun = 0;
  const counted: Route = {
    method: "GET",
    handle(_, response) {
      begun++;
      reply(response, 200, "counted\n");
    },
  };
  const { url } = await open({}, { ...ROUTES, "/counted": counted });
  const first = await connectRaw(url, get("/stream").replace("Connection: close\r\n", "") + get("/counted"));
  await once(first.socket, "data");
  expect(begun).toBe(0);
  expect(await askRaw(url, get("/").replace("Connection: close\r\n", "") + get("/counted"))).toContain("counted");
  expect(begun).toBe(1);
});

test("a connection with many requests under way ends", async () => {
  const { url } = await open({ limits: { pipelined: 3 } });
  const keep = get("/stream").replace("Connection: close\r\n", "");
  await askRaw(url, keep.repeat(4));
});

test("it closes at once, whoever is connected and does not speak, read or end", async () => {
  const listener = await open();
  const { url } = listener;
  const peers = [await connectRaw(url), await connectRaw(url, "GET / HT"), await connectRaw(url, get("/stream"))];
  const deaf = await connectRaw(url, get("/large"));
  deaf.socket.pause();
  await once(peers[2]?.socket ?? deaf.socket, "data");
  await listener.close();
  await Promise.all(peers.map(({ closed }) => closed));
});

test("a page is only for who calls the host by its own name", async () => {
  const { url } = await open();
  const as = async (host: string, path = "/") =>
    statusOf(await askRaw(url, request(`GET ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close")));
  for (const host of [
    "localhost",
    "LOCALHOST:9464",
    "localhost.",
    "127.0.0.1:1",
    "10.0.0.7",
    "[::1]:9464",
    "ops.example",
  ])
    expect([host, await as(host)]).toEqual([host, 200]);
  for (const host of [
    "evil.example",
    "localhost.evil.example",
    "xops.example",
    "127.0.0.1.evil.example",
    "::1",
    "a b",
    "",
  ])
    expect([host, await as(host)]).toEqual([host, 421]);
  expect([await as("evil.example", "/nowhere"), await as("evil.example", "/probe")]).toEqual([421, 200]);
  expect(await askRaw(url, get("/").replace("localhost", "evil.example"))).toContain(
    '"evil.example" is no name of this host; put it into "http.hosts" of the configuration, or call this host by its address',
  );
});

test("a whole URL counts before the header", async () => {
  const { url } = await open();
  const as = async (target: string, host: string) =>
    statusOf(await askRaw(url, request(`GET ${target} HTTP/1.1`, `Host: ${host}`, "Connection: close")));
  expect(await as("http://localhost/?x", "evil.example")).toBe(200);
  expect(await as("http://localhost", "evil.example")).toBe(200);
  expect(await as("http://evil.example/", "localhost")).toBe(421);
  expect(await as("http://localhost@evil.example/", "localhost")).toBe(421);
  expect(await as("http://evil.example/probe", "localhost")).toBe(200);
});

test("names that the configuration has later count from then on", async () => {
  const names: string[] = [];
  const { url } = await open({ hosts: () => names });
  const ask = async () => statusOf(await askRaw(url, get("/").replace("localhost", "later.example")));
  expect(await ask()).toBe(421);
  names.push("later.example");
  expect(await ask()).toBe(200);
});
