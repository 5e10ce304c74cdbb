/** Spans of a host and a client in this process, which has an SDK. */
import {
  context,
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Request } from "zeromq";
import { type Client, createClientWith } from "../../src/client/client.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { CallHook } from "../../src/core/call.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import type { HandlerDefinition, HandlerFunction } from "../../src/handler.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, recordingLog, startHost } from "../hosts.ts";

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

type Handlers = Record<string, HandlerDefinition | HandlerFunction>;

async function serve(handlers: Handlers, more: ConfigInput = {}, hooks: readonly CallHook[] = []) {
  const log = recordingLog();
  const endpoints = { gateway: { bind: ANY_PORT, handlers: ["*"], concurrency: 16 } };
  const host = await startHost({ endpoints, ...more }, handlers, { log, hooks });
  return { host, log, client: clientOf(addressOf(host, "gateway")) };
}

function clientOf(address: string, more: { retries?: number } = {}): Client {
  const client = createClientWith(createCodec("json"), { connect: address, ...more });
  onTestFinished(() => client.close());
  return client;
}

const spans = (kind: SpanKind): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.kind === kind);
const onlyOne = (kind: SpanKind): ReadableSpan => {
  const [span, ...more] = spans(kind);
  if (span === undefined || more.length > 0) throw new Error(`${more.length + 1} spans of kind ${kind}`);
  return span;
};
const idOf = (span: ReadableSpan) => span.spanContext().spanId;

test("a call is a span of the client, and below it one of the host", async () => {
  const { client, host } = await serve({ vat: (input) => input });
  await client.call("vat", 1, { metadata: { "request-id": "r-1" } });
  const [ours, theirs] = [onlyOne(SpanKind.CLIENT), onlyOne(SpanKind.SERVER)];
  const port = Number(addressOf(host, "gateway").split(":").at(-1));
  const place = { "server.address": "127.0.0.1", "server.port": port, "network.transport": "tcp" };
  expect(ours).toMatchObject({ name: "vat", status: { code: SpanStatusCode.UNSET }, events: [] });
  expect(ours.attributes).toEqual({
    "rpc.system.name": "zmqecho",
    "rpc.method": "vat",
    "rpc.response.status_code": "ok",
    "zmqecho.codec": "json",
    ...place,
  });
  expect(theirs).toMatchObject({ name: "vat", status: { code: SpanStatusCode.UNSET }, events: [] });
  expect(theirs.attributes).toEqual({
    "rpc.system.name": "zmqecho",
    "rpc.method": "vat",
    "rpc.response.status_code": "ok",
    "zmqecho.codec": "json",
    "zmqecho.endpoint": "gateway",
    "zmqecho.request_id": "r-1",
    "zmqecho.waited_ms": 0,
    ...place,
  });
  expect(theirs.parentSpanContext?.spanId).toBe(idOf(ours));
  expect(theirs.spanContext().traceId).toBe(ours.spanContext().traceId);
  expect(theirs.instrumentationScope).toMatchObject({ name: "zmqecho", version: expect.stringMatching(/^\d/) });
});

test("a span lasts from the read of its request to its outcome, as hooks are told", async () => {
  const told: number[] = [];
  const vat = () => new Promise((resolve) => setTimeout(resolve, 5, 1));
  const { client } = await serve({ vat }, {}, [{ end: (_, { totalMs }) => told.push(totalMs) }]);
  await client.call("vat", 1);
  const { endTime, duration } = onlyOne(SpanKind.SERVER);
  const ms = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1000 + nanoseconds / 1e6;
  expect(ms(duration)).toBeCloseTo(told[0] ?? 0, 3);
  expect(Math.abs(Date.now() - ms(endTime))).toBeLessThan(5_000);
});

test("what an inline handler traces is below its call, after an await as well", async () => {
  const vat: HandlerFunction = async (input, call) => {
    expect(trace.getActiveSpan()).toBe(call.span);
    await new Promise((resolve) => setImmediate(resolve));
    trace.getTracer("test").startSpan("query").end();
    call.span.setAttribute("lines", 3);
    return input;
  };
  const { client } = await serve({ vat });
  await client.call("vat", 1);
  const theirs = onlyOne(SpanKind.SERVER);
  expect(onlyOne(SpanKind.INTERNAL).parentSpanContext?.spanId).toBe(idOf(theirs));
  expect(theirs.attributes).toMatchObject({ lines: 3 });
});

test("calls side by side each run in their own span, one that waited too", async () => {
  const seen: (string | undefined)[] = [];
  const vat: HandlerFunction = async (input, call) => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(trace.getActiveSpan() === call.span ? call.span.spanContext().spanId : undefined);
    return input;
  };
  const endpoints = { gateway: { bind: ANY_PORT, handlers: ["*"], concurrency: 2 } };
  const { client } = await serve({ vat }, { endpoints });
  await Promise.all([1, 2, 3, 4, 5].map((input) => client.call("vat", input)));
  expect(seen.sort()).toEqual(spans(SpanKind.SERVER).map(idOf).sort());
});

test("a client within a handler goes on with its trace", async () => {
  const { client } = await serve({ inner: (input) => input, outer: (input) => client.call("inner", input) });
  await client.call("outer", 1);
  const named = (kind: SpanKind, name: string) => spans(kind).find((span) => span.name === name);
  const chain = [
    named(SpanKind.SERVER, "inner"),
    named(SpanKind.CLIENT, "inner"),
    named(SpanKind.SERVER, "outer"),
    named(SpanKind.CLIENT, "outer"),
  ];
  for (const [index, span] of chain.entries()) {
    expect(span).toBeDefined();
    expect(span?.parentSpanContext?.spanId).toBe(chain[index + 1]?.spanContext().spanId);
  }
});

test("the server's own failures are errors of its span, and the caller's are not", async () => {
  const { client } = await serve({
    refuse: (input) => {
      throw new ZmqEchoError(input as "invalid_argument", "no");
    },
  });
  const failures = ["unknown", "deadline_exceeded", "unimplemented", "internal", "unavailable", "data_loss"];
  const answers = ["invalid_argument", "not_found", "resource_exhausted", "permission_denied", "aborted"];
  for (const code of [...failures, ...answers]) {
    exporter.reset();
    await expect(client.call("refuse", code)).rejects.toMatchObject({ code });
    const theirs = onlyOne(SpanKind.SERVER);
    const isFailure = failures.includes(code);
    expect(theirs.status.code, code).toBe(isFailure ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
    expect(theirs.attributes["error.type"], code).toBe(isFailure ? code : undefined);
    expect(theirs.attributes["rpc.response.status_code"]).toBe(code);
    expect(theirs.attributes["zmqecho.request_id"]).toMatch(/^\w+-\w+$/);
    expect(onlyOne(SpanKind.CLIENT)).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: "no" } });
    expect(onlyOne(SpanKind.CLIENT).attributes).toMatchObject({
      "error.type": code,
      "rpc.response.status_code": code,
    });
  }
});

test("an exception is in the span of an internal failure, and in no other", async () => {
  const { client } = await serve({
    bug: () => {
      throw new TypeError("the till is empty");
    },
    gone: () => {
      throw new ZmqEchoError("unavailable", "later");
    },
    odd: () => {
      throw null;
    },
  });
  for (const name of ["bug", "gone", "odd"]) await client.call(name, 1).catch(() => {});
  const eventsOf = (name: string) => spans(SpanKind.SERVER).find((span) => span.name === name)?.events;
  expect(eventsOf("bug")).toMatchObject([
    { name: "exception", attributes: { "exception.type": "TypeError", "exception.message": "the till is empty" } },
  ]);
  expect(eventsOf("gone")).toEqual([]);
  expect(eventsOf("odd")).toMatchObject([
    { attributes: { "exception.message": expect.stringContaining("not an Error") } },
  ]);
});

test("a name that nobody serves is the name of no span", async () => {
  const { client } = await serve({ vat: (input) => input });
  const name = `x${"y".repeat(100)}`;
  await expect(client.call(name, 1)).rejects.toMatchObject({ code: "not_found" });
  const theirs = onlyOne(SpanKind.SERVER);
  expect(theirs.name).toBe("zmqecho");
  expect(theirs.attributes).toMatchObject({
    "rpc.method": "_OTHER",
    "rpc.method_original": `x${"y".repeat(58)}…`,
    "rpc.response.status_code": "not_found",
  });
});

/** A handler that runs until it is told to end. */
function holding() {
  const ends: (() => void)[] = [];
  let started = (): void => {};
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const hold: HandlerFunction = () => {
    started();
    return new Promise<void>((resolve) => void ends.push(resolve));
  };
  return {
    hold,
    running,
    end: () => {
      for (const end of ends) end();
    },
  };
}

test("calls that are refused have spans: one too many, and one too late for a host that stops", async () => {
  const { hold, running, end } = holding();
  const endpoints = {
    gateway: { bind: ANY_PORT, handlers: ["*"], concurrency: 2, queue: 0 },
    other: { bind: ANY_PORT, handlers: ["*"], concurrency: 2 },
  };
  const { client, host } = await serve({ hold, vat: (input) => input }, { endpoints });
  const held = [client.call("hold", 1), client.call("hold", 2)];
  await running;
  await expect(client.call("vat", 3)).rejects.toMatchObject({ code: "resource_exhausted" });
  const stopping = host.stop();
  const late = clientOf(addressOf(host, "other"));
  await vi.waitFor(() => expect(late.call("vat", 4)).rejects.toMatchObject({ code: "unavailable" }));
  end();
  await Promise.all([...held, stopping]);
  const codes = spans(SpanKind.SERVER).map(({ attributes }) => attributes["rpc.response.status_code"]);
  expect(codes).toEqual(expect.arrayContaining(["resource_exhausted", "unavailable"]));
});

test("a plain endpoint has spans of its handler, and a plain request goes unnamed", async () => {
  const { host } = await serve(
    { vat: (input) => input },
    { endpoints: { gateway: { bind: ANY_PORT, handler: "vat", codec: "json" } } },
  );
  await clientOf(addressOf(host, "gateway")).request(1);
  const [ours, theirs] = [onlyOne(SpanKind.CLIENT), onlyOne(SpanKind.SERVER)];
  expect(ours.name).toBe("zmqecho");
  expect(ours.attributes).not.toHaveProperty("rpc.method");
  expect(theirs.name).toBe("vat");
  expect(theirs.parentSpanContext).toBeUndefined();
});

test("a caller's own traceparent and tracestate are sent as they are, and gone on with", async () => {
  const { client } = await serve({
    vat: (_, { metadata, span }) => ({ metadata, traceId: span.spanContext().traceId }),
  });
  const metadata = { traceparent: TRACEPARENT, tracestate: "a=1", color: "red" };
  expect(await client.call("vat", 1, { metadata })).toMatchObject({ metadata: { color: "red" }, traceId: TRACE_ID });
  const theirs = onlyOne(SpanKind.SERVER);
  expect(theirs.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: "b7ad6b7169203331" });
  expect(theirs.spanContext().traceState?.serialize()).toBe("a=1");
});

test("a tracestate that is not of the caller's traceparent is not sent with it", async () => {
  const { client } = await serve({ vat: (input) => input });
  const traceState = createTraceState("b=2");
  const active = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1, traceState };
  await context.with(trace.setSpanContext(ROOT_CONTEXT, active), () =>
    client.call("vat", 1, { metadata: { traceparent: TRACEPARENT } }),
  );
  const theirs = onlyOne(SpanKind.SERVER);
  expect(theirs.spanContext().traceId).toBe(TRACE_ID);
  expect(theirs.spanContext().traceState).toBeUndefined();
});

test("a tracestate without a traceparent is of no trace, and does not go with that of the span", async () => {
  const { client } = await serve({ vat: (_, { metadata }) => metadata });
  expect(await client.call("vat", 1, { metadata: { tracestate: "a=1", color: "red" } })).toEqual({ color: "red" });
  const theirs = onlyOne(SpanKind.SERVER);
  expect(theirs.parentSpanContext?.spanId).toBe(idOf(onlyOne(SpanKind.CLIENT)));
  expect(theirs.spanContext().traceState).toBeUndefined();
});

test("metadata that have no room for a trace are sent without it", async () => {
  const { client } = await serve({ vat: (_, { metadata }) => metadata.big?.length ?? 0 });
  expect(await client.call("vat", 1, { metadata: { big: "x".repeat(8_100) } })).toBe(8_100);
  expect(onlyOne(SpanKind.SERVER).parentSpanContext).toBeUndefined();
});

test("a malformed traceparent is no trace, and harms no call", async () => {
  const { client } = await serve({ vat: (input) => input });
  for (const traceparent of [
    "",
    "00-zz",
    `ff${TRACEPARENT.slice(2)}`,
    `00-${"0".repeat(32)}-${"1".repeat(16)}-01`,
    "x".repeat(4000),
  ]) {
    exporter.reset();
    expect(await client.call("vat", 1, { metadata: { traceparent, tracestate: "=,=" } })).toBe(1);
    expect(onlyOne(SpanKind.SERVER).parentSpanContext).toBeUndefined();
  }
});

test("each further attempt of a call is an event of its one span", async () => {
  let left = 2;
  const { host } = await serve({
    vat: (input) => {
      if (left-- > 0) throw new ZmqEchoError("unavailable", "not yet", { details: { retryAfterMs: 1 } });
      return input;
    },
  });
  await clientOf(addressOf(host, "gateway"), { retries: 2 }).call("vat", 1);
  const ours = onlyOne(SpanKind.CLIENT);
  expect(ours.events.map(({ name }) => name)).toEqual(["retry", "retry"]);
  expect(ours.status.code).toBe(SpanStatusCode.UNSET);
  expect(spans(SpanKind.SERVER).map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
    Array(3).fill(idOf(ours)),
  );
});

test("a call that reaches nobody is an error of its span", async () => {
  const client = clientOf(await deadAddress());
  await expect(client.call("vat", 1)).rejects.toMatchObject({ code: "unavailable" });
  expect(onlyOne(SpanKind.CLIENT)).toMatchObject({
    status: { code: SpanStatusCode.ERROR, message: expect.stringContaining("refused") },
  });
});

test("what is logged of a call has the ids of its span", async () => {
  const { client, log } = await serve({
    vat: (_, call) => {
      call.log.info("sold");
      throw new Error("no");
    },
  });
  await client.call("vat", 1).catch(() => {});
  const { traceId, spanId } = onlyOne(SpanKind.SERVER).spanContext();
  for (const text of ["sold", "handler vat failed"])
    expect((await log.logged(text)).fields).toMatchObject({ traceId, spanId });
});

test("a worker without an SDK has the ids of the host's span, and logs them", async () => {
  const code = `export default (_, { span, log }) => {
    log.info("sold");
    return [span.isRecording(), span.spanContext().traceId, span.spanContext().spanId];
  }`;
  const folder = folderWith({ "plugins/vat.js": code });
  const log = recordingLog();
  const endpoints = { gateway: { bind: ANY_PORT, handlers: ["*"] } };
  const handlers = { vat: { isolation: "thread" } } as const;
  const host = await startHost({ plugins: ["./plugins"], endpoints, handlers }, {}, { log, folder });
  const reply = await clientOf(addressOf(host, "gateway")).call("vat", 1);
  const { traceId, spanId } = onlyOne(SpanKind.SERVER).spanContext();
  expect(reply).toEqual([false, traceId, spanId]);
  expect((await log.logged("sold")).fields).toMatchObject({ traceId, spanId });
});

test("an SDK that throws costs a call nothing, and is told of once", async () => {
  const { client, log } = await serve({ vat: (input) => input });
  const tracer = Object.getPrototypeOf(provider.getTracer("zmqecho")) as { startSpan(): void };
  const startSpan = vi.spyOn(tracer, "startSpan").mockImplementation(() => {
    throw new Error("no spans today");
  });
  onTestFinished(() => startSpan.mockRestore());
  expect(await client.call("vat", 1)).toBe(1);
  expect(await client.call("vat", 2)).toBe(2);
  expect(startSpan).toHaveBeenCalled();
  const told = log.records.filter(({ message }) => message.startsWith("a hook failed"));
  expect(told).toMatchObject([{ fields: { err: { message: "no spans today" } } }]);
});

test("an SDK whose spans tell nonsense of themselves costs an isolated call nothing", async () => {
  const folder = folderWith({ "plugins/vat.js": "export default (input, { span }) => span.spanContext().traceFlags;" });
  const endpoints = { gateway: { bind: ANY_PORT, handlers: ["*"] } };
  const handlers = { vat: { isolation: "thread" } } as const;
  const host = await startHost({ plugins: ["./plugins"], endpoints, handlers }, {}, { folder });
  const client = clientOf(addressOf(host, "gateway"));
  const ids = { traceId: TRACE_ID, spanId: "1".repeat(16) };
  const told = [ids, { ...ids, traceFlags: "x" }, { ...ids, traceFlags: 1, traceState: { serialize: () => () => 1 } }];
  for (const [index, spanContext] of told.entries()) {
    const tracer = Object.getPrototypeOf(provider.getTracer("zmqecho")) as { startSpan(): unknown };
    const span = Object.assign(trace.wrapSpanContext(ids as SpanContext), { spanContext: () => spanContext });
    const startSpan = vi.spyOn(tracer, "startSpan").mockImplementation(() => span);
    onTestFinished(() => startSpan.mockRestore());
    expect(await client.call("vat", 1)).toBe(index === 2 ? 1 : 0);
  }
});

test("spans of calls that run when the host is reloaded end all the same", async () => {
  const { hold, running, end } = holding();
  const { client, host } = await serve({ hold });
  const held = client.call("hold", 1);
  await running;
  await host.reload();
  end();
  await held;
  expect(onlyOne(SpanKind.SERVER).name).toBe("hold");
});

test("a host that stops has the SDK export, and waits little for one that can't", async () => {
  const flush = vi.spyOn(provider, "forceFlush").mockImplementation(() => new Promise(() => {}));
  onTestFinished(() => flush.mockRestore());
  const { host } = await serve({ vat: (input) => input });
  await host.stop(0);
  expect(flush).toHaveBeenCalledOnce();
});

test("what strangers send that is no call has no span", async () => {
  const { host } = await serve({ vat: (input) => input });
  const socket = new Request({ linger: 0 });
  onTestFinished(() => socket.close());
  socket.connect(addressOf(host, "gateway"));
  await socket.send(["ZEP1 nonsense", "x"]);
  await socket.receive();
  expect(exporter.getFinishedSpans()).toEqual([]);
});

test("introspection is not traced", async () => {
  const { client } = await serve({ vat: (input) => input });
  await client.ping();
  await client.list();
  expect(exporter.getFinishedSpans()).toEqual([]);
});
