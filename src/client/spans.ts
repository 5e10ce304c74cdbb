/** A span for each call of a client, and where it is in a trace told to the server. */
import type { Context, Span, TextMapSetter } from "@opentelemetry/api";
import { type ErrorCode, ZmqEchoError } from "../errors.ts";
import type { Metadata } from "../handler.ts";
import { type TracingApi, tracerOf, tracingApi } from "../tracing/api.ts";
import { harmlessly } from "../tracing/harmless.ts";
import { addressAttributes, markFailed, SYSTEM } from "../tracing/semantics.ts";
import { MAX_JSON_BYTES } from "../wire/zep.ts";

/** Of what a call is made with, the parts that tracing looks at. */
export interface TraceableCall {
  /** Absent if the endpoint is plain, and takes no metadata. */
  readonly handler?: string;
  readonly metadata?: Metadata;
  /** Told before each further attempt. */
  readonly onRetry?: () => void;
}

export type Traced = <Call extends TraceableCall, T>(call: Call, make: (call: Call) => Promise<T>) => Promise<T>;

/** Makes calls in spans of kind CLIENT. Without an SDK they are made as they are; what goes wrong about tracing costs the span alone. */
export function createClientSpans(address: string, codec: string): Traced {
  return (call, make) => {
    const api = tracingApi();
    return api === undefined ? make(call) : makeInSpan(api, call, make);
  };

  async function makeInSpan<Call extends TraceableCall, T>(
    api: TracingApi,
    call: Call,
    make: (call: Call) => Promise<T>,
  ): Promise<T> {
    const span = harmlessly(() => start(api, call));
    if (span === undefined) return make(call);
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

  function start(api: TracingApi, { handler }: TraceableCall): Span {
    const attributes = {
      "rpc.system.name": SYSTEM,
      ...(handler !== undefined && { "rpc.method": handler }),
      ...addressAttributes(address, "connect"),
      "zmqecho.codec": codec,
    };
    return tracerOf(api).startSpan(handler ?? SYSTEM, { kind: api.SpanKind.CLIENT, attributes });
  }
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
  const all = { ...added, ...metadata };
  return Buffer.byteLength(JSON.stringify(all)) + DEADLINE_BYTES <= MAX_JSON_BYTES ? all : undefined;
}

/** What `timeout-ms` adds to metadata. */
const DEADLINE_BYTES = 40;

const TRACE_CONTEXT_ONLY: TextMapSetter<Record<string, string>> = {
  set(carrier, name, value) {
    if (name === "traceparent" || name === "tracestate") carrier[name] = value;
  },
};
