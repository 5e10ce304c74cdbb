/** The run of a handler in a worker, as a span of the worker's own SDK if it has one. */
import type { Context, Span } from "@opentelemetry/api";
import { ZmqEchoError } from "../errors.ts";
import { spanContextFrom, type TracingApi, tracerOf, tracingApi } from "./api.ts";
import { harmlessly, runOnce } from "./harmless.ts";
import { isServerFailure, markFailed } from "./semantics.ts";
import { traceOfSpan } from "./span-trace.ts";
import type { CallTrace } from "./trace.ts";

/** A call that runs, and has come from a host that may trace it. */
export interface TracedRun {
  readonly handler: string;
  readonly requestId: string;
  /** As the host told it; then that of the span here. */
  trace: CallTrace | undefined;
}

/** Runs it, in a span that is a child of the host's. What goes wrong about tracing costs the span alone. */
export async function runInSpan<T>(call: TracedRun, run: () => T | Promise<T>): Promise<T> {
  const api = tracingApi();
  const started = api && harmlessly(() => start(api, call));
  if (api === undefined || started === undefined) return run();
  const { span, context } = started;
  try {
    return await runOnce(
      (once) => api.context.with(context, once),
      run,
      () => {},
    );
  } catch (error) {
    harmlessly(() => tellFailure(api, span, error));
    throw error;
  } finally {
    harmlessly(() => span.end());
  }
}

function start(api: TracingApi, call: TracedRun): { readonly span: Span; readonly context: Context } {
  const { ROOT_CONTEXT, trace } = api;
  const outer =
    call.trace === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, spanContextFrom(api, call.trace.context));
  const attributes = { "zmqecho.handler": call.handler, "zmqecho.request_id": call.requestId };
  const span = tracerOf(api).startSpan(`handle ${call.handler}`, { kind: api.SpanKind.INTERNAL, attributes }, outer);
  call.trace = traceOfSpan(api, span) ?? call.trace;
  return { span, context: trace.setSpan(outer, span) };
}

function tellFailure(api: TracingApi, span: Span, error: unknown): void {
  const code = ZmqEchoError.is(error) ? error.code : "internal";
  if (!isServerFailure(code)) return;
  markFailed(api, span, code, code);
  if (code === "internal" && error instanceof Error) span.recordException(error);
}
