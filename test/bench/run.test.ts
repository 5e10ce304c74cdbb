import { expect, onTestFinished, test } from "vitest";
import { Reply, Router } from "zeromq";
import { type Plan, type Run, type RunFigures, startRun } from "../../src/bench/run.ts";
import { createLightCodec } from "../../src/codecs/light.ts";
import { DEFAULTS } from "../../src/config/defaults.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import type { HandlerFunction } from "../../src/handler.ts";
import { writeReply } from "../../src/wire/zep.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";

const raw = createLightCodec("raw", "raw", DEFAULTS.limits);
if (raw === undefined) throw new Error("raw is a light codec");
const codec = raw;

type Changes = Partial<Plan> & Pick<Plan, "addresses">;

function begin(changes: Changes): Promise<Run> {
  return startRun({
    codec,
    metadata: {},
    bodies: [[Buffer.from("hi")]],
    connections: 1,
    inFlight: 1,
    warmupMs: 0,
    timeoutMs: 10_000,
    check: false,
    batch: true,
    ...changes,
  });
}

async function figuresOf(changes: Changes): Promise<RunFigures> {
  return (await begin(changes)).figures;
}

async function hostWith(handler: HandlerFunction, concurrency = 64): Promise<string> {
  return addressOf(
    await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "h", concurrency } } }, { h: handler }),
    "e",
  );
}

test.each([
  ["closed", {}],
  ["open", { rate: 2000 }],
])("a %s loop by number sends exactly as many, in turn", async (_, changes) => {
  const seen: string[] = [];
  const address = await hostWith((input) => {
    seen.push(String(input));
    return "";
  });
  const bodies = ["a", "b", "c"].map((text) => [Buffer.from(text)]);
  const figures = await figuresOf({
    addresses: [address],
    requests: 100,
    connections: 3,
    inFlight: 2,
    bodies,
    ...changes,
  });
  expect(figures).toMatchObject({ ok: 100, failed: 0, notSent: 0, unanswered: 0, interrupted: false });
  expect(seen.length).toBe(100);
  expect(figures.intervals.reduce((sum, { ok }) => sum + ok, 0)).toBe(100);
  expect(seen.filter((text) => text === "a").length).toBe(34);
});

test("the warm-up comes on top of the number, and is in no figure", async () => {
  let seen = 0;
  const address = await hostWith(() => {
    seen++;
    return "";
  });
  const { ok, warmup, latencyMs } = await figuresOf({ addresses: [address], requests: 20, warmupMs: 50 });
  expect([ok, latencyMs === null]).toEqual([20, false]);
  expect(warmup.ok).toBeGreaterThan(0);
  expect(seen).toBe(20 + warmup.ok);
});

test("never more are in flight than asked for, on each of the connections", async () => {
  let running = 0;
  let most = 0;
  let release: () => void = () => {};
  const together = new Promise<void>((resolve) => {
    release = resolve;
  });
  const address = await hostWith(async () => {
    most = Math.max(most, ++running);
    // Both connections must have one here at once, or this would never go on.
    if (running >= 2) release();
    await together;
    running--;
    return "";
  });
  const { ok } = await figuresOf({ addresses: [address], requests: 60, connections: 2, inFlight: 2 });
  expect(ok).toBe(60);
  expect(most).toBeGreaterThanOrEqual(2);
  expect(most).toBeLessThanOrEqual(4);
});

test("a stall of the server counts for all requests that were due meanwhile, at a rate", async () => {
  let seen = 0;
  const address = await hostWith(async () => {
    if (++seen === 10) await new Promise((resolve) => setTimeout(resolve, 500));
    return "";
  }, 1);
  const { ok, latencyMs, serviceMs } = await figuresOf({ addresses: [address], requests: 100, rate: 200 });
  expect(ok).toBe(100);
  // One request was slow, and ninety were late because of it.
  expect(latencyMs?.p50).toBeGreaterThan(100);
  expect(latencyMs?.p90).toBeGreaterThan(2 * (serviceMs?.p90 ?? Number.NaN));
  expect(serviceMs?.max).toBeGreaterThan(450);
});

test("what could not be sent at its time is counted, and so bounded", async () => {
  let release: (reply: string) => void = () => {};
  const released = new Promise<string>((resolve) => {
    release = resolve;
  });
  const address = await hostWith(() => released);
  // The timeout is what bounds the backlog: at this rate twenty fall due in it.
  const run = await begin({ addresses: [address], requests: 100, rate: 100, timeoutMs: 200, connections: 3 });
  const { ok, failed, notSent, errors } = await run.figures;
  expect(ok + failed + notSent).toBe(100);
  expect(ok).toBe(0);
  expect(notSent).toBeGreaterThanOrEqual(50);
  expect(errors.map(({ code }) => code)).toEqual(["deadline_exceeded"]);
  release("");
});

test("errors are counted by code, and are in no latency", async () => {
  let seen = 0;
  const address = await hostWith(() => {
    seen++;
    if (seen % 4 === 0) throw new ZmqEchoError("aborted", "a conflict");
    if (seen % 10 === 0) throw new ZmqEchoError("not_found", "gone");
    return "";
  });
  const figures = await figuresOf({ addresses: [address], requests: 100 });
  expect(figures.errors).toEqual([
    { code: "aborted", count: 25, message: "a conflict" },
    { code: "not_found", count: 5, message: "gone" },
  ]);
  expect(figures).toMatchObject({ ok: 70, failed: 30, errorRate: 0.3 });
  expect(figures.distribution.reduce((sum, { count }) => sum + count, 0)).toBe(70);
});

test("replies are decoded when told to, and one that can't be has failed", async () => {
  const server = new Reply({ linger: 0 });
  onTestFinished(() => server.close());
  await server.bind(ANY_PORT);
  void (async () => {
    for await (const _ of server) await server.send("{no json");
  })();
  const json = createLightCodec("json", "json", DEFAULTS.limits);
  if (json === undefined) throw new Error("json is a light codec");
  const plan = { addresses: [server.lastEndpoint ?? ""], requests: 3, codec: json, bodies: [json.encodeBody(1)] };
  expect(await figuresOf(plan)).toMatchObject({ ok: 3 });
  expect(await figuresOf({ ...plan, check: true })).toMatchObject({ ok: 0, errors: [{ code: "internal", count: 3 }] });
});

test("with nobody there it fails at once, with the reason", async () => {
  const run = begin({ addresses: [await deadAddress()], durationMs: 60_000, connections: 3, inFlight: 2 });
  await expect(run.then(({ figures }) => figures)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("refused"),
  });
});

test("a run by number gives up on a server that stays away, and counts what it was to get", async () => {
  const server = new Reply({ linger: 0 });
  await server.bind(ANY_PORT);
  const run = await begin({ addresses: [server.lastEndpoint ?? ""], requests: 1000, timeoutMs: 300 });
  const [request = Buffer.alloc(0)] = await server.receive();
  await server.send(request);
  await server.receive();
  server.close();
  const { ok, failed, notSent, errors } = await run.figures;
  expect([ok, ok + failed + notSent]).toEqual([1, 1000]);
  expect(errors[0]?.code).toBe("unavailable");
  // Not as fast as it can be refused.
  expect(failed).toBeLessThan(20);
});

test("an end before its time gives the figures so far", async () => {
  let seen = 0;
  let hold: (release: () => void) => void = () => {};
  const held = new Promise<() => void>((resolve) => {
    hold = resolve;
  });
  const address = await hostWith(() => (++seen < 5 ? "" : new Promise((resolve) => hold(() => resolve("")))));
  const run = await begin({ addresses: [address], durationMs: 60_000 });
  const release = await held;
  run.interrupt();
  expect(await run.figures).toMatchObject({ interrupted: true, ok: 4, failed: 0, unanswered: 1 });
  release();
});

test.each([true, false])("with batch: %s the server is asked whether it takes batches, or is not", async (batch) => {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  const heads = new Set<string>();
  void (async () => {
    for await (const frames of socket) {
      const end = frames.findIndex((frame, index) => index > 0 && frame.length === 0) + 1;
      heads.add(String(frames[end]));
      const reply = writeReply({ code: "ok", codec: "raw", metadata: {}, body: [Buffer.from("no sizes")] });
      await socket.send([...frames.slice(0, end), ...(reply as Buffer[])]);
    }
  })();
  const addresses = [socket.lastEndpoint ?? ""];
  const figures = await figuresOf({ addresses, handler: "h", requests: 40, inFlight: 4, batch });
  expect(figures).toMatchObject({ ok: 40, load: { batch } });
  expect([...heads].sort()).toEqual(batch ? ["ZEP1 batch", "ZEP1 call"] : ["ZEP1 call"]);
});
