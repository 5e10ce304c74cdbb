/** A span for each call of a host, as a hook that is told of them. */
import type { Attributes, Context, Span } from "@opentelemetry/api";
import { type TracingApi, tracerOf } from "../tracing/api.ts";
import { addressAttributes, isServerFailure, markFailed, OTHER_METHOD, SYSTEM } from "../tracing/semantics.ts";
import { traceOfSpan } from "../tracing/span-trace.ts";
import { shorten } from "../wording.ts";
import type { Call, CallHook } from "./call.ts";

export interface CallSpansOptions {
  /** Whether the name is that of a handler: other names come from strangers, and name no span. */
  readonly isHandler: (name: string) => boolean;
  /** The addresses of an endpoint, of which the first is told. */
  readonly addressesOf: (endpoint: string) => readonly string[] | undefined;
}

interface CallSpan {
  readonly span: Span;
  /** What its handler runs in. */
  readonly context: Context;
}

/** Spans of kind SERVER, children of what the caller's `traceparent` tells. */
export function createCallSpans(api: TracingApi, { isHandler, addressesOf }: CallSpansOptions): CallHook {
  const { context, propagation, ROOT_CONTEXT, SpanKind, trace } = api;
  const tracer = tracerOf(api);
  const spans = new WeakMap<Call, CallSpan>();
  /** By endpoint, for as long as its addresses stay the same. */
  const places = new Map<string, { readonly addresses: readonly string[]; readonly attributes: Attributes }>();

  function placeOf(endpoint: string): Attributes {
    const addresses = addressesOf(endpoint) ?? [];
    const known = places.get(endpoint);
    if (known?.addresses === addresses) return known.attributes;
    const [first] = addresses;
    const attributes = first === undefined ? {} : addressAttributes(first, "bind");
    places.set(endpoint, { addresses, attributes });
    return attributes;
  }

  function methodOf(handler: string): Attributes {
    if (isHandler(handler)) return { "rpc.method": handler };
    return { "rpc.method": OTHER_METHOD, "rpc.method_original": shorten(handler) };
  }

  return {
    start(call) {
      const { handler, codec, metadata, receivedAt, source } = call;
      const attributes: Attributes = {
        "rpc.system.name": SYSTEM,
        ...methodOf(handler),
        ...placeOf(source.endpoint),
        "zmqecho.endpoint": source.endpoint,
        "zmqecho.codec": shorten(codec),
      };
      const name = isHandler(handler) ? handler : SYSTEM;
      const parent = propagation.extract(ROOT_CONTEXT, metadata, TRACE_CONTEXT_ONLY);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes, startTime: receivedAt }, parent);
      const told = traceOfSpan(api, span);
      if (told === undefined) return;
      call.trace = told;
      spans.set(call, { span, context: trace.setSpan(parent, span) });
    },

    around(call, run) {
      const started = spans.get(call);
      if (started === undefined) run();
      else context.with(started.context, run);
    },

    failed(call, error) {
      spans.get(call)?.span.recordException(error, performance.now());
    },

    end(outcome, { totalMs, waitedMs }, _source, call) {
      const span = call && spans.get(call)?.span;
      if (call === undefined || span === undefined) return;
      span.setAttribute("rpc.response.status_code", outcome.code);
      span.setAttribute("zmqecho.waited_ms", waitedMs);
      const requestId = outcome.code === "ok" ? call.metadata["request-id"] : outcome.details.requestId;
      if (typeof requestId === "string") span.setAttribute("zmqecho.request_id", requestId);
      if (outcome.code !== "ok" && isServerFailure(outcome.code)) markFailed(api, span, outcome.code, outcome.message);
      // On the clock of its start, or it might end before it.
      span.end(call.receivedAt + totalMs);
    },
  };
}

/** Whatever else a propagator reads is the handler's: it is metadata like any other. */
const TRACE_CONTEXT_ONLY = {
  keys: (metadata: Call["metadata"]) => ["traceparent", "tracestate"].filter((name) => name in metadata),
  get: (metadata: Call["metadata"], name: string) =>
    name === "traceparent" || name === "tracestate" ? metadata[name] : undefined,
};
