// An SDK as users bring it, whose exporter writes each span as a line to the file that SPANS_FILE names.
import { appendFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { BatchSpanProcessor, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const exporter = {
  export(spans, done) {
    const lines = spans.map((span) => {
      const { traceId, spanId } = span.spanContext();
      const { name, attributes, parentSpanContext } = span;
      const kind = SpanKind[span.kind];
      const status = SpanStatusCode[span.status.code];
      const where = { pid: process.pid, isMainThread };
      return `${JSON.stringify({ name, kind, status, traceId, spanId, parentId: parentSpanContext?.spanId, attributes, ...where })}\n`;
    });
    appendFileSync(process.env.SPANS_FILE, lines.join(""));
    done({ code: 0 });
  },
  shutdown: async () => {},
};
// Longer than any test: what is written was flushed.
const later = { scheduledDelayMillis: 3_600_000 };
const processor = process.env.SPANS_AT_ONCE
  ? new SimpleSpanProcessor(exporter)
  : new BatchSpanProcessor(exporter, later);
new NodeTracerProvider({ spanProcessors: [processor] }).register();
