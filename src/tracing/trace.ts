/** Where a call is in a trace, for whoever runs it, logs of it, or hands it on. */
import type { Span } from "@opentelemetry/api";
import type { TraceContext } from "../wire/trace-context.ts";

export interface CallTrace {
  readonly traceId: string;
  /** Of the span that stands for the call here; absent if there is none, and the trace is known from the caller alone. */
  readonly spanId?: string;
  /** What whoever goes on with it is told; valid. */
  readonly context: TraceContext;
  /** Absent if no SDK made one in this thread. */
  readonly span?: Span;
}

/** What crosses to a worker. */
export function traceData({ traceId, spanId, context }: CallTrace): CallTrace {
  return { traceId, ...(spanId !== undefined && { spanId }), context };
}
