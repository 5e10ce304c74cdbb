/**
 * OpenTelemetry's API, which does nothing until an SDK registers. Whether one has is asked of the place where it would be, so
 * that nothing is loaded where there is none.
 */
import { createRequire } from "node:module";
import type { Span, SpanContext, Tracer } from "@opentelemetry/api";
import type { TraceContext } from "../wire/trace-context.ts";

export type TracingApi = typeof import("@opentelemetry/api");

const require = createRequire(import.meta.url);

/** Where every copy of the API, in any package, keeps what was registered. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** Whether an SDK that makes spans is registered in this thread. */
export function isTraced(): boolean {
  const registered: unknown = Reflect.get(globalThis, REGISTERED);
  return typeof registered === "object" && registered !== null && "trace" in registered;
}

/** The API if an SDK is registered, else undefined. Loads it when it is first needed. */
export function tracingApi(): TracingApi | undefined {
  return isTraced() ? loadApi() : undefined;
}

function loadApi(): TracingApi {
  return require("@opentelemetry/api");
}

/** All our spans come from this one. */
export function tracerOf(api: TracingApi): Tracer {
  return api.trace.getTracer("zmqecho", require("../../package.json").version);
}

/** A span that records nothing and has the ids of whoever is told of; without one, ids that are invalid. */
export function passingSpan(told: TraceContext | undefined): Span {
  const api = loadApi();
  return api.trace.wrapSpanContext(told === undefined ? api.INVALID_SPAN_CONTEXT : spanContextFrom(api, told));
}

/** The span that a valid `traceparent` tells of, `00-TRACE-SPAN-FLAGS`. */
export function spanContextFrom(api: TracingApi, { traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  const traceFlags = Number.parseInt(flags, 16);
  const traceState = tracestate === undefined ? undefined : api.createTraceState(tracestate);
  return { traceId, spanId, traceFlags, isRemote: true, ...(traceState !== undefined && { traceState }) };
}
