/** A span for each call of a client, and where it is in a trace told to the server. Loaded if there is an SDK. */
import type { Context, Span, TextMapSetter } from "@opentelemetry/api";
import { type ErrorCode, ZmqEchoError } from "../errors.ts";
import type { Metadata } from "../handler.ts";
import { type TracingApi, tracerOf, tracingApi } from "../tracing/api.ts";
import { harmlessly } from "../tracing/harmless.ts";
import { addressAttributes, markFailed, SYSTEM } from "../tracing/semantics.ts";
import { MAX_JSON_BYTES } from "../wire/json-frames.ts";

export interface TracedClient {
  /** The first of its servers. */
  readonly address: string;
  readonly codec: string;
}

/** Of what a call is made with, the parts that tracing looks at. */
export interface TraceableCall {
  /** Absent if the endpoint is plain, and takes no metadata. */
  readonly handler?: string;
  readonly metadata?: Metadata;
  /** Told before each further attempt. */
  readonly onRetry?: () => void;
}

/** Makes a call in a span of kind CLIENT. What goes wrong about tracing costs the span alone. */
export async function makeInSpan<Call extends TraceableCall, T>(
  client: TracedClient,
  call: Call,
  make: (call: Call) => Promise<T>,
): Promise<T> {
  const api = tracingApi();
  const span = api && harmlessly(() => start(api, client, call));
  if (api === undefined || span === undefined) return make(call);
  const onRetry = () => harmlessly(() => span.addEvent("retry"));
  const metadata = harmlessly(() => withTrace(api, api.trace.setSpan(api.context.active(), span), call));
  try {
    const result = await make({ ...call, ...(metadata !== undefined && { metadata }), onRetry });
    harmlessly(() => span.setAttribute("rpc.response.status_code", "ok"));
    return result;
  } catch (error) {
    harmlessly(() => tellFailure(api, span, error));
    throw error;
  } finally {
    harmlessly(() => span.end());
  }
}

function start(api: TracingApi, { address, codec }: TracedClient, { handler }: TraceableCall): Span {
  const attributes = {
    "rpc.system.name": SYSTEM,
    ...(handler !== undefined && { "rpc.method": handler }),
    ...addressAttributes(address, "connect"),
    "zmqecho.codec": codec,
  };
  return tracerOf(api).startSpan(handler ?? SYSTEM, { kind: api.SpanKind.CLIENT, attributes });
}

/** To a client every code but `ok` is an error. */
function tellFailure(api: TracingApi, span: Span, error: unknown): void {
  const code: ErrorCode = ZmqEchoError.is(error) ? error.code : "internal";
  span.setAttribute("rpc.response.status_code", code);
  markFailed(api, span, code, error instanceof Error ? error.message : code);
}

/** Undefined if nothing is to be added: a caller that sends a `traceparent` of its own knows better, and metadata have their bound. */
function withTrace(api: TracingApi, context: Context, { handler, metadata }: TraceableCall): Metadata | undefined {
  if (handler === undefined || metadata?.traceparent !== undefined) return undefined;
  const added: Record<string, string> = {};
  api.propagation.inject(context, added, TRACE_CONTEXT_ONLY);
  if (added.traceparent === undefined) return undefined;
  // One that came without a traceparent is of no trace, least of all of this one.
  const { tracestate: _, ...given } = metadata ?? {};
  const all = { ...added, ...given };
  return Buffer.byteLength(JSON.stringify(all)) + DEADLINE_BYTES <= MAX_JSON_BYTES ? all : undefined;
}

/** What `timeout-ms` adds to metadata. */
const DEADLINE_BYTES = 40;

const TRACE_CONTEXT_ONLY: TextMapSetter<Record<string, string>> = {
  set(carrier, name, value) {
    if (name === "traceparent" || name === "tracestate") carrier[name] = value;
  },
};
