/** An SDK for measurements, by `node --import`: keeps one trace of a hundred, or as many as TRACES says, and sends none. */
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  NodeTracerProvider,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";

const exporter = new InMemorySpanExporter();
setInterval(() => exporter.reset(), 1000).unref();
new NodeTracerProvider({
  sampler: new TraceIdRatioBasedSampler(Number(process.env.TRACES ?? 0.01)),
  spanProcessors: [new BatchSpanProcessor(exporter)],
}).register();
