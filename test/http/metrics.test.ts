/** What `/metrics` tells, and what strangers can't make it tell. */
import { EventEmitter, once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { curveKeyPair } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { createHost, type Host } from "../../src/host.ts";
import { formFor } from "../../src/http/metrics/accept.ts";
import { client as curveClient, site } from "../curve-site.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";
import { scrape } from "./scrape.ts";

const http = { bind: "127.0.0.1:*" };
const byName = { bind: ANY_PORT, handlers: ["*"], concurrency: 2, queue: 3 };

const HANDLERS = {
  good: () => "four",
  bad: () => {
    throw new ZmqEchoError("aborted", "no");
  },
};

function client(host: Host, endpoint: string) {
  const made = createClient({ connect: addressOf(host, endpoint), codec: "json" });
  onTestFinished(() => made.close());
  return made;
}

test("calls are told by endpoint, handler and code, with how long they took and their bytes", async () => {
  const host = await startHost({ endpoints: { e: byName }, http }, HANDLERS);
  const { call } = client(host, "e");
  for (const name of ["good", "good", "bad"]) await call(name, "12345").catch(() => null);
  const { samples, types } = await scrape(host.httpUrl);
  const at = (name: string, labels: string) => samples.get(`zmqecho_request_${name}{${labels}}`);
  expect(types.get("zmqecho_request_duration_seconds")).toBe("histogram");
  expect(at("duration_seconds_count", 'code="ok",endpoint="e",handler="good"')).toBe(2);
  expect(at("duration_seconds_count", 'code="aborted",endpoint="e",handler="bad"')).toBe(1);
  expect(at("duration_seconds_sum", 'code="ok",endpoint="e",handler="good"')).toBeGreaterThan(0);
  expect(at("duration_seconds_bucket", 'code="ok",endpoint="e",handler="good",le="10"')).toBe(2);
  expect(at("duration_seconds_bucket", 'code="ok",endpoint="e",handler="good",le="+Inf"')).toBe(2);
  expect(at("wait_seconds_count", 'endpoint="e"')).toBe(3);
  expect(at("bytes_total", 'endpoint="e",handler="good"')).toBe(2 * '"12345"'.length);
  expect(samples.get('zmqecho_response_bytes_total{endpoint="e",handler="good"}')).toBe(2 * '"four"'.length);
  expect(samples.get('zmqecho_response_bytes_total{endpoint="e",handler="bad"}')).toBe(0);
});

test("what runs, waits and was refused is told, and how much of it there may be", async () => {
  const calls = new EventEmitter();
  const slow = () => {
    calls.emit("begun");
    return once(calls, "end").then(() => null);
  };
  const host = await startHost({ endpoints: { e: byName }, http }, { slow });
  const { call } = client(host, "e");
  const begun = once(calls, "begun");
  const outcomes = Promise.allSettled(Array.from({ length: 6 }, () => call("slow", null)));
  await begun;
  await expect.poll(() => host.stats().endpoints.e?.refused).toBe(1);
  const { samples } = await scrape(host.httpUrl);
  const at = (name: string) => samples.get(`zmqecho_${name}{endpoint="e"}`);
  expect([at("endpoint_in_flight"), at("endpoint_concurrency")]).toEqual([2, 2]);
  expect([at("endpoint_queued"), at("endpoint_queue"), at("refused_total")]).toEqual([3, 3, 1]);
  expect(samples.get('zmqecho_handler_in_flight{handler="slow"}')).toBe(2);
  for (let left = 5; left > 0; left -= 2) {
    calls.emit("end");
    await expect.poll(() => host.stats().endpoints.e?.codes.ok ?? 0).toBe(Math.min(5, 7 - left));
  }
  await outcomes;
});

test("names that strangers make up become no label", async () => {
  const host = await startHost({ endpoints: { e: { ...byName, concurrency: 16 } }, http }, HANDLERS);
  const { call } = client(host, "e");
  for (let n = 0; n < 100; n++) await call(`no-such-${n}"}\n`, null).catch(() => null);
  await call("constructor", null).catch(() => null);
  const { samples, text } = await scrape(host.httpUrl);
  expect(samples.get('zmqecho_request_duration_seconds_count{code="not_found",endpoint="e",handler=""}')).toBe(101);
  expect(text).not.toMatch(/no-such|constructor/);
});

test("handlers and endpoints that a reload takes away are told of no longer", async () => {
  const folder = await createFolder({ "plugins/old.mjs": "export default () => 1;" });
  const configure = (endpoints: object) =>
    writeFiles(folder, { "zmqecho.config.json": JSON.stringify({ watch: false, endpoints, http }) });
  await configure({ e: byName, other: byName });
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log: recordingLog() });
  await host.start();
  onTestFinished(() => host.stop());
  await client(host, "other").call("old", null);
  await client(host, "e").call("old", null);
  expect((await scrape(host.httpUrl)).text).toMatch(/handler="old"/);
  await writeFiles(folder, { "plugins/new.mjs": "export default () => 1;" });
  const { rm } = await import("node:fs/promises");
  await rm(`${folder}/plugins/old.mjs`);
  await configure({ e: byName });
  await host.reload();
  await client(host, "e").call("new", null);
  const { samples, text } = await scrape(host.httpUrl);
  expect(text).not.toMatch(/"old"|"other"/);
  expect(samples.get('zmqecho_request_duration_seconds_count{code="ok",endpoint="e",handler="new"}')).toBe(1);
  expect(samples.get('zmqecho_reloads_total{result="done"}')).toBe(1);
});

test("a call that began before http was on is told when it ends", async () => {
  const calls = new EventEmitter();
  const slow = () => {
    calls.emit("begun");
    return once(calls, "end").then(() => null);
  };
  const folder = await createFolder({});
  const configure = (more: object) =>
    writeFiles(folder, { "zmqecho.config.json": JSON.stringify({ watch: false, endpoints: { e: byName }, ...more }) });
  await configure({});
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log: recordingLog(), handlers: { slow } });
  await host.start();
  onTestFinished(() => host.stop());
  const begun = once(calls, "begun");
  const reply = client(host, "e").call("slow", null);
  await begun;
  await configure({ http });
  await host.reload();
  calls.emit("end");
  await reply;
  const { samples } = await scrape(host.httpUrl);
  expect(samples.get('zmqecho_request_duration_seconds_count{code="ok",endpoint="e",handler="slow"}')).toBe(1);
});

test("keys that are not allowed are counted where keys are asked for", async () => {
  const { server, curve } = site(["ann", curveKeyPair()]);
  const host = await startHost({ endpoints: { guarded: { bind: ANY_PORT, curve }, open: { bind: ANY_PORT } }, http });
  await curveClient(addressOf(host, "guarded"), { server, own: curveKeyPair() }).ask("hello");
  const { samples } = await scrape(host.httpUrl);
  const told = [...samples].filter(([name]) => name.startsWith("zmqecho_rejected_keys_total"));
  expect(told).toEqual([['zmqecho_rejected_keys_total{endpoint="guarded"}', 1]]);
});

test("a host that is not ready says so", async () => {
  const broken = { setup: () => Promise.reject(new Error("no database")), handle: () => null };
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "broken" } }, http }, { broken });
  expect((await scrape(host.httpUrl)).samples.get("zmqecho_ready")).toBe(0);
});

test("the process is told of by the names that all clients of Prometheus use", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT } }, http });
  const { samples } = await scrape(host.httpUrl);
  const at = (name: string) => samples.get(name) ?? Number.NaN;
  expect(at("process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(at("process_resident_memory_bytes")).toBeGreaterThan(at("nodejs_heap_size_used_bytes"));
  expect(at("process_open_fds")).toBeGreaterThan(10);
  expect(at("process_max_fds")).toBeGreaterThan(at("process_open_fds"));
  expect(Math.abs(at("process_start_time_seconds") - (Date.now() / 1000 - process.uptime()))).toBeLessThan(60);
});

test("who wants OpenMetrics gets it, and everybody else Prometheus' own form", async () => {
  const host = await startHost({ endpoints: { e: byName }, http }, HANDLERS);
  await client(host, "e").call("good", null);
  const open = await scrape(host.httpUrl, "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5");
  expect(open.contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(open.text).toMatch(/\n# EOF\n$/);
  expect(open.text).not.toContain("\n\n");
  // There a counter's name has no suffix, and its samples have it.
  expect(open.types.get("zmqecho_refused")).toBe("counter");
  const plain = await scrape(host.httpUrl);
  expect(plain.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(plain.text).not.toContain("EOF");
  expect(plain.types.get("zmqecho_refused_total")).toBe("counter");
  expect([...open.samples.keys()]).toEqual([...plain.samples.keys()]);
});

test.each([
  [undefined, "prometheus"],
  ["", "prometheus"],
  ["*/*", "prometheus"],
  ["text/html,application/xhtml+xml,*/*;q=0.8", "prometheus"],
  ["application/openmetrics-text", "openmetrics"],
  ["Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", "openmetrics"],
  ["application/openmetrics-text;version=0.0.1", "prometheus"],
  ["application/openmetrics-text;q=0.2,text/plain;q=0.3", "prometheus"],
  ["application/openmetrics-text;q=0", "prometheus"],
  [
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    "openmetrics",
  ],
])("accepting %o gets %s", (accept, form) => {
  expect(formFor(accept)).toBe(form);
});

test("500 handlers are told of without a gap", async () => {
  // With the two that come along.
  const handlers = Object.fromEntries(Array.from({ length: 498 }, (_, n) => [`h${n}`, () => null]));
  const host = await startHost({ endpoints: { e: byName }, http }, handlers);
  const { text, samples } = await scrape(host.httpUrl, "application/openmetrics-text");
  expect(text).not.toContain("\n\n");
  expect([...samples.keys()].filter((name) => name.startsWith("zmqecho_handler_in_flight{"))).toHaveLength(500);
});

test("however many scrape at once, it is written once", async () => {
  const host = await startHost({ endpoints: { e: byName }, http });
  const texts = await Promise.all(Array.from({ length: 10 }, () => scrape(host.httpUrl).then(({ text }) => text)));
  expect(new Set(texts).size).toBeLessThan(10);
});

test("hosts of one program have counts of their own, and leave none behind", async () => {
  const { register } = await import("prom-client");
  for (let round = 1; round <= 2; round++) {
    const [one, other] = [
      await startHost({ endpoints: { e: byName }, http }, HANDLERS),
      await startHost({ endpoints: { e: byName }, http }, HANDLERS),
    ];
    await client(one, "e").call("good", null);
    const told = (host: Host) =>
      scrape(host.httpUrl).then(({ text }) => text.match(/duration_seconds_count.* (\d+)/)?.[1]);
    expect([await told(one), await told(other)]).toEqual(["1", undefined]);
    await one.stop();
    await other.stop();
  }
  expect(register.getMetricsAsArray()).toEqual([]);
});
