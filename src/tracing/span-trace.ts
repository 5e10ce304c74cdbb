/** A call's place in a trace, by the span that was made of it. */
import type { Span } from "@opentelemetry/api";
import { writeTraceparent } from "../wire/trace-context.ts";
import type { TracingApi } from "./api.ts";
import { harmlessly } from "./harmless.ts";
import type { CallTrace } from "./trace.ts";

/** Undefined for a span without ids, as an SDK gives that was turned off again. */
export function traceOfSpan(api: TracingApi, span: Span): CallTrace | undefined {
  const own = span.spanContext();
  if (!api.isSpanContextValid(own)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = own;
  return {
    traceId,
    spanId,
    span,
    get context() {
      // Messages to workers have to bear whatever an SDK says.
      const flags = Number(traceFlags) & 0xff;
      const tracestate: unknown = harmlessly(() => traceState?.serialize());
      const isText = typeof tracestate === "string" && tracestate !== "";
      return { traceparent: writeTraceparent({ traceId, spanId, flags }), ...(isText && { tracestate }) };
    },
  };
}
