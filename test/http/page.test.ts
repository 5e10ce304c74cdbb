import { expect, test, vi } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import type { HandlerContext } from "../../src/handler.ts";
import { createStreams, MOST_STREAMS } from "../../src/http/page/stream.ts";
import { createTail } from "../../src/http/page/tail.ts";
import { PAGE_PATHS, type PageSetup } from "../../src/wire/page.ts";
import { addressOf } from "../hosts.ts";
import { call, hostWithPage, listen } from "./pages.ts";
import { askRaw } from "./raw.ts";

async function setupOf(url: string): Promise<PageSetup> {
  return (await fetch(`${url}${PAGE_PATHS.setup}`)).json() as Promise<PageSetup>;
}

test("the page and what it loads come from the host, and nothing else may", async () => {
  const { url } = await hostWithPage();
  const page = await fetch(`${url}/`);
  const text = await page.text();
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const policy = page.headers.get("content-security-policy") ?? "";
  const wanted = [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "form-action 'none'",
    "base-uri 'none'",
  ];
  expect(wanted.filter((rule) => !policy.split("; ").includes(rule))).toEqual([]);
  expect(policy).not.toContain("unsafe");
  const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
  expect(loaded).toEqual(["/icon.svg", "/page.css", "/page.js"]);
  const statuses = await Promise.all(loaded.map(async (path) => (await fetch(`${url}${path}`)).status));
  expect(statuses).toEqual([200, 200, 200]);
});

test("who can't unpack gets it as it is", async () => {
  const { url } = await hostWithPage();
  const plain = await fetch(`${url}/`, { headers: { "Accept-Encoding": "identity" } });
  expect(plain.headers.get("content-encoding")).toBeNull();
  expect(await plain.text()).toContain("<!doctype html>");
  expect((await fetch(`${url}/`)).headers.get("content-encoding")).toBe("gzip");
});

test("it is told of endpoints, handlers and configuration, secrets masked", async () => {
  const { url } = await hostWithPage({ handlers: { echo: { options: { apiToken: "s3cret" } } } });
  const setup = await setupOf(url);
  expect(setup.endpoints).toMatchObject([{ name: "all", handlers: ["echo", "mock"], concurrency: 8, curve: false }]);
  expect(setup.handlers).toContainEqual({ name: "echo", description: "Replies with what it got", state: "ready" });
  expect(setup.config).toContainEqual({ path: "handlers.echo.options.apiToken", value: "***", origin: "flag" });
  expect(JSON.stringify(setup)).not.toContain("s3cret");
});

test("it is told of one handler, and that there is no other", async () => {
  const { url } = await hostWithPage();
  const ask = async (name: string) =>
    (await fetch(`${url}${PAGE_PATHS.handler}?name=${encodeURIComponent(name)}`)).json();
  expect(await ask("echo")).toMatchObject({ name: "echo", isolation: "inline" });
  expect(await ask("<b>")).toEqual({ error: 'there is no handler "<b>" here' });
});

test("a whole URL that is none asks for a handler as any other, and nothing fails", async () => {
  const { url, log } = await hostWithPage();
  const asked = "GET http://127.0.0.1:99999/page/handler?name=echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  expect(await askRaw(url, asked)).toMatch(/^HTTP\/1.1 200 .*"name":"echo"/s);
  expect(log.records.filter(({ level }) => level === "error")).toEqual([]);
});

test("a page of another origin is told nothing", async () => {
  const { url } = await hostWithPage();
  const paths = [PAGE_PATHS.setup, PAGE_PATHS.events, `${PAGE_PATHS.handler}?name=echo`];
  const headers = { Origin: "http://evil.example", "Sec-Fetch-Site": "cross-site" };
  const statuses = await Promise.all(paths.map(async (path) => (await fetch(`${url}${path}`, { headers })).status));
  expect(statuses).toEqual([403, 403, 403]);
});

test("a stream begins with what is so, and goes on each second with what is new", async () => {
  const page = await hostWithPage();
  const stream = await listen(page);
  const { news } = await stream.next("hello");
  expect(news.map(({ text }) => text)).toContain(`listening on ${addressOf(page.host, "all")}`);
  expect((await stream.next("tick")).stats.endpoints.all?.codes).toEqual({});
  await call(page, {});
  const tick = await stream.next("tick");
  expect(tick.stats.endpoints.all?.codes).toEqual({ ok: 1 });
  expect(tick.tail).toMatchObject([
    { endpoint: "all", handler: "echo", codec: "json", transport: "http", code: "ok", received: 3, sent: 3 },
  ]);
});

test("what is in requests and replies is told only if the configuration says so", async () => {
  const find = () => Promise.reject(new TypeError("private"));
  for (const payloads of [false, true]) {
    const page = await hostWithPage({ http: { payloads } }, { find });
    const stream = await listen(page);
    await stream.next("tick");
    await call(page, { body: `"${"secret ".repeat(100)}"` });
    await call(page, { handler: "find", body: '"secret"' });
    const { tail } = await stream.next("tick");
    expect(tail.map(({ code }) => code)).toEqual(["ok", "internal"]);
    expect(JSON.stringify(tail).includes("secret")).toBe(payloads);
    expect(JSON.stringify(tail)).not.toContain("private");
    if (payloads)
      expect(tail[0]?.request).toMatchObject({
        form: "text",
        cut: true,
        text: expect.stringMatching(/^"secret .{200,300}$/),
      });
    stream.close();
  }
});

test("its news are the host's own lines: none of handlers, no stacks, no token", async () => {
  const talkative = (_: unknown, { log }: HandlerContext) => {
    log.info("handler's own");
    throw new Error("thrown text");
  };
  const page = await hostWithPage({}, { talkative });
  await call(page, { handler: "talkative" });
  await call(page, { handler: "talkative" });
  const { news } = await (await listen(page)).next("hello");
  expect(news.at(-1)).toMatchObject({ level: "error", text: "handler talkative failed", times: 2, endpoint: "all" });
  const text = JSON.stringify(news);
  for (const hidden of ["handler's own", "thrown text", page.token]) expect(text).not.toContain(hidden);
});

test("eight pages are told, a ninth is not, until one leaves", async () => {
  const page = await hostWithPage();
  const streams = await Promise.all(Array.from({ length: MOST_STREAMS }, () => listen(page)));
  expect(streams.map(({ status }) => status)).toEqual(new Array(MOST_STREAMS).fill(200));
  expect((await listen(page)).status).toBe(503);
  streams[0]?.close();
  await expect.poll(async () => (await listen(page)).status).toBe(200);
});

test("a stop does not wait for pages", async () => {
  const page = await hostWithPage();
  const stream = await listen(page);
  await stream.next("tick");
  await page.host.stop();
  await expect(stream.next("tick")).rejects.toThrow();
});

test("of many requests some are told, failures first, and how many were not", async () => {
  const page = await hostWithPage({}, { fail: () => Promise.reject(new Error("no")) });
  const stream = await listen(page);
  await stream.next("tick");
  const client = createClient({ connect: addressOf(page.host, "all"), codec: "json" });
  const calls = [...new Array(100).fill("echo"), ...new Array(10).fill("fail")];
  await Promise.all(calls.map((handler) => client.call(handler, 1).catch(() => undefined)));
  await client.close();
  const ticks = [await stream.next("tick")];
  while (ticks.reduce((sum, { tail, unshown }) => sum + tail.length + unshown, 0) < 110)
    ticks.push(await stream.next("tick"));
  expect(ticks.flatMap(({ tail }) => tail).filter(({ code }) => code === "internal")).toHaveLength(10);
  expect(Math.max(...ticks.map(({ tail }) => tail.length))).toBeLessThanOrEqual(40);
});

test("nothing is kept of requests while nobody looks, and nothing of large bodies ever", () => {
  const tail = createTail(() => true);
  const body = Buffer.alloc(1_000_000, "x");
  const end = () =>
    tail.hook.end?.(
      { code: "ok", codec: "raw", metadata: {}, body: [body] },
      { totalMs: 1, waitedMs: 0 },
      { transport: "zmq", endpoint: "e" },
      {
        handler: "echo",
        codec: "raw",
        metadata: {},
        body: [body],
        receivedAt: 0,
        source: { transport: "zmq", endpoint: "e" },
      },
    );
  end();
  expect(tail.take()).toEqual({ tail: [], unshown: 0 });
  tail.watch(true);
  end();
  tail.watch(false);
  tail.watch(true);
  expect(tail.take()).toEqual({ tail: [], unshown: 0 });
  end();
  const [entry] = tail.take().tail;
  expect(entry).toMatchObject({ received: 1_000_000, request: { cut: true, text: "x".repeat(300) } });
});

test("a page that does not read is passed over, told anew when it does, and given up after a while", () => {
  vi.useFakeTimers();
  try {
    const written: string[] = [];
    let destroyed = 0;
    const response = {
      writableLength: 0,
      writeHead: () => {},
      write: (text: string) => written.push(text),
      once: () => {},
      destroy: () => destroyed++,
    };
    const host = { introspection: { stats: () => ({}) }, lacks: () => [], news: () => [] };
    const streams = createStreams(
      "run",
      host as never,
      createTail(() => false),
    );
    streams.open({ method: "GET" } as never, response as never);
    vi.advanceTimersByTime(1000);
    expect(written.map((text) => text.match(/event: \w+/g))).toEqual([
      ["event: hello", "event: tick"],
      ["event: tick"],
    ]);
    response.writableLength = 1;
    vi.advanceTimersByTime(5000);
    expect(written).toHaveLength(2);
    response.writableLength = 0;
    vi.advanceTimersByTime(1000);
    expect(written[2]).toContain("event: hello");
    response.writableLength = 1;
    vi.advanceTimersByTime(31_000);
    expect(destroyed).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test("with no page open there is no timer", async () => {
  vi.useFakeTimers();
  try {
    let close = () => {};
    const response = {
      writableLength: 0,
      writeHead: () => {},
      write: () => {},
      once: (_: string, then: () => void) => (close = then),
    };
    const host = { introspection: { stats: () => ({}) }, lacks: () => [], news: () => [] };
    const streams = createStreams(
      "run",
      host as never,
      createTail(() => false),
    );
    expect(vi.getTimerCount()).toBe(0);
    streams.open({ method: "GET" } as never, response as never);
    expect(vi.getTimerCount()).toBe(1);
    close();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
