/** `http` of a configuration that changes while the host runs. */
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createHost } from "../../src/host.ts";
import { PAGE_PATHS } from "../../src/wire/page.ts";
import { ANY_PORT, addressOf, recordingLog } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";
import { call, listen } from "./pages.ts";
import { askRaw } from "./raw.ts";

/** A host, and how it is to follow another `http`. */
async function hostWith(bind: string) {
  const folder = await createFolder({});
  const configure = (http: object | undefined, more: object = {}, rest: object = {}) => {
    const endpoints = { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 4 }, ...more };
    return writeFiles(folder, { "zmqecho.config.json": JSON.stringify({ watch: false, endpoints, http, ...rest }) });
  };
  await configure({ bind });
  const log = recordingLog();
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log });
  await host.start();
  onTestFinished(() => host.stop());
  const { message } = await log.logged("#token=");
  const url = String(host.httpUrl);
  const page = { host, url, token: message.replace(/^.*#token=/, ""), log };
  return { ...page, page, port: new URL(url).port, configure };
}

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** On a connection of its own: one that is kept for the next may have ended with its listener. */
const ask = (url: string, path: string) => askRaw(url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

test.each(["*", "0.0.0.0"])("it moves to %s at the port that it has itself", async (everywhere) => {
  const { host, url, port, configure } = await hostWith("127.0.0.1:*");
  await configure({ bind: `${everywhere}:${port}` });
  await host.reload();
  expect(host.httpUrl).not.toBe(url);
  expect(await ask(url, "/livez")).toMatch(/^HTTP\/1.1 200 /);
  await configure({ bind: `127.0.0.1:${port}` });
  await host.reload();
  expect(host.httpUrl).toBe(url);
  expect(await ask(url, "/livez")).toMatch(/^HTTP\/1.1 200 /);
});

test("an address that can't be had leaves what is open, and who looks at it", async () => {
  const { host, page, url, configure } = await hostWith("127.0.0.1:*");
  const stream = await listen(page);
  await stream.next("hello");
  await configure({ bind: `127.0.0.1:${await takenPort()}` });
  await expect(host.reload()).rejects.toThrow("can't listen on http://127.0.0.1");
  expect(host.httpUrl).toBe(url);
  expect(await call(page, {})).toMatchObject({ outcome: { code: "ok" } });
  await stream.next("tick");
});

test("one that made room, for nothing in the end, is there again with its token and its counts", async () => {
  const { host, page, url, port, configure } = await hostWith("127.0.0.1:*");
  const client = createClient({ connect: addressOf(host, "all"), codec: "json" });
  onTestFinished(() => client.close());
  await client.call("echo", null);
  await configure({ bind: `*:${port}` }, { other: { bind: `tcp://127.0.0.1:${await takenPort()}` } });
  await expect(host.reload()).rejects.toThrow("tcp://127.0.0.1");
  expect(host.httpUrl).toBe(url);
  await call(page, {});
  expect(await ask(url, "/metrics")).toContain(
    'zmqecho_request_duration_seconds_count{endpoint="all",handler="echo",code="ok"} 2',
  );
  await configure({ bind: `*:${port}` });
  await host.reload();
  expect(await ask(url, "/livez")).toMatch(/^HTTP\/1.1 200 /);
});

test("when it is turned off its streams end, and it can be had again at the same port", async () => {
  const { host, page, url, port, configure } = await hostWith("127.0.0.1:*");
  const stream = await listen(page);
  await stream.next("hello");
  await configure(undefined);
  await host.reload();
  expect(host.httpUrl).toBeUndefined();
  await expect(stream.next("hello")).rejects.toThrow();
  await configure({ bind: `127.0.0.1:${port}` });
  await host.reload();
  expect(await ask(url, "/livez")).toMatch(/^HTTP\/1.1 200 /);
});

test("limits of a handler are told as the last reload has them", async () => {
  const { host, url, configure } = await hostWith("127.0.0.1:*");
  await configure({ bind: "127.0.0.1:*" }, {}, { limits: { maxMessageBytes: 5000 } });
  await host.reload();
  const described = await fetch(`${url}${PAGE_PATHS.handler}?name=echo`);
  expect(await described.json()).toMatchObject({ limits: { maxMessageBytes: 5000 } });
});
