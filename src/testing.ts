/**
 * Testing a handler as callers meet it, without a socket: through its codec, its limits, its deadline and its errors.
 * @packageDocumentation
 */
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Body, CodecSpec } from "./codecs/codec.ts";
import { createCodec } from "./codecs/registry.ts";
import { DEFAULTS, limitsWith } from "./config/defaults.ts";
import type { Source } from "./core/call.ts";
import { createCore } from "./core/core.ts";
import { createRequestIds } from "./core/request-ids.ts";
import { Deadlines } from "./deadlines.ts";
import { ZmqEchoError } from "./errors.ts";
import type { CodecDefinition, HandlerDefinition, HandlerFunction, Log, Metadata, Value } from "./handler.ts";
import { CODE } from "./loader/find.ts";
import { loadPlugin } from "./loader/load.ts";
import { timeoutOf } from "./loader/run-settings.ts";
import { readHandler } from "./loader/shape.ts";
import { HandlerSlot } from "./loader/slot.ts";
import { createLog } from "./log.ts";
import { startInline } from "./runtime/inline.ts";
import { createAnswerer, plainFraming, zepFraming } from "./transports/zmq/framing.ts";
import { checkMetadata } from "./wire/json-frames.ts";
import { decodeReply, readPlainReply, readZepReply } from "./wire/reply.ts";
import { writeRequest } from "./wire/zep.ts";

/** What is tested: a handler, or the file of a plugin, in TypeScript or JavaScript, that is loaded as a host loads it. */
export type TestSubject = HandlerDefinition | HandlerFunction | URL | string;

export interface TestOptions {
  /** How bodies are encoded: a name, a spec as under `codecs` in the config, or what `defineCodec` gave. Default `raw`. */
  readonly codec?: CodecSpec | CodecDefinition;
  /** `handlers.NAME.options` of the config: what `setup` and `context.options` get. Default `{}`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Sent with each call that brings none of its own. */
  readonly metadata?: Metadata;
  /** Milliseconds for a call, as `handlers.NAME.timeoutMs` of the config. Default: what the handler says, or 5000. */
  readonly timeoutMs?: number;
  /** `context.handler`. Default: the name of the file, or `handler`. */
  readonly handler?: string;
  /** `context.endpoint`. Default `test`. */
  readonly endpoint?: string;
  /** For both sides. Default: 4 MiB in 64 frames, nested 128 deep. */
  readonly limits?: { readonly maxMessageBytes?: number; readonly maxFrames?: number; readonly maxDepth?: number };
  /** Default: warnings and errors on stderr, so that the cause of an `internal` shows. */
  readonly log?: Log;
}

export interface TestCallOptions {
  /** Text pairs beside the body. The reserved `timeout-ms` and `request-id` do what they do on the wire. */
  readonly metadata?: Metadata;
}

/**
 * A handler that is set up and ready to be called.
 * A call with metadata goes the way of a call by name (ZEP/1), one without that of a plain endpoint. It rejects with the
 * `ZmqEchoError` that a client of a host would get: the handler's own, or `invalid_argument` (input that can't be encoded
 * or decoded, or is refused by its schema), `deadline_exceeded`, `resource_exhausted` (over a limit), `unavailable`
 * (closed), `internal` (anything else the handler threw, or a result that can't be encoded or read).
 */
export interface TestedHandler {
  /** Encodes the input, calls the handler, decodes its reply. */
  call(input: unknown, options?: TestCallOptions): Promise<Value>;
  /** The same with a body that is encoded already, be it badly. */
  exchange(body: Body, options?: TestCallOptions): Promise<Body>;
  /** Waits for running calls, then tears down; rejects with what `teardown` threw. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Sets a handler up for tests. Rejects with what `setup` threw, an Error for what is no handler, `unavailable` for a file
 * that does not load (with the position), or what is wrong with the codec.
 *
 * ```js
 * await using vat = await testHandler(new URL("../plugins/vat.ts", import.meta.url), { codec: "json" });
 * assert.equal(await vat.call(100), 119);
 * ```
 */
export async function testHandler(subject: TestSubject, options: TestOptions = {}): Promise<TestedHandler> {
  const { name, definition } = await handlerFrom(subject);
  const { handler = name, endpoint = "test", log = createLog({ level: "warn", format: "pretty" }) } = options;
  const limits = limitsWith(options.limits);
  const { codec = DEFAULTS.codec } = options;
  const theirs = createCodec(codec, { role: "server", limits });
  const ours = createCodec(codec, { role: "client", limits });
  const runner = await startInline(definition, {
    handler,
    options: options.options ?? {},
    timeoutMs: timeoutOf(definition, options),
    setupMs: DEFAULTS.setupTimeoutMs,
    log,
  });
  const slot = new HandlerSlot(handler);
  slot.version = { runner, running: 0 };
  const core = createCore({
    allows: (called) => called === handler,
    findHandler: () => slot,
    findCodec: () => ({ codec: theirs }),
    concurrency: Number.POSITIVE_INFINITY,
    queue: 0,
    deadlines: new Deadlines(),
    newRequestId: createRequestIds(),
    hooks: [],
    log,
  });
  const source: Source = { transport: "test", endpoint };
  const plain = createAnswerer(core, plainFraming(handler, theirs.name), limits);
  const byName = createAnswerer(core, zepFraming(limits), limits);

  async function exchange(body: Body, call: TestCallOptions = {}): Promise<Body> {
    const { metadata = options.metadata } = call;
    if (metadata === undefined) return readPlainReply(await plain.answer(body, source));
    checkMetadata(metadata);
    const frames = writeRequest({ verb: "call", handler, codec: ours.name, metadata, body });
    return readZepReply(await byName.answer(frames, source)).body;
  }

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= core.drain(DEFAULTS.shutdown.graceMs).then(() => runner.close(DEFAULTS.shutdown.graceMs));
    return closing;
  };
  return {
    call: async (input, call) => decodeReply(ours, await exchange(ours.encodeBody(input), call)),
    exchange,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function handlerFrom(subject: TestSubject): Promise<{ name: string; definition: HandlerDefinition }> {
  if (!(subject instanceof URL) && typeof subject !== "string") {
    return { name: "handler", definition: readHandler(subject) };
  }
  const file = resolve(subject instanceof URL ? fileURLToPath(subject) : subject);
  const found = { name: basename(file).replace(CODE, ""), file, folder: dirname(file) };
  const { name, handler } = await loadPlugin(found);
  if (handler === undefined) throw new ZmqEchoError("not_found", `${file} has a codec and no handler`);
  return { name, definition: handler };
}
