/** What a handler is told about one call, here or in a worker. The parts that cost something are made when first asked for. */
import type { Span } from "@opentelemetry/api";
import type { HandlerContext, Log, Metadata } from "../handler.ts";
import { passingSpan } from "../tracing/api.ts";
import type { CallTrace } from "../tracing/trace.ts";
import type { Job } from "./runner.ts";

export class CallContext implements HandlerContext {
  readonly options: Readonly<Record<string, unknown>>;
  readonly state: unknown;
  readonly #job: Job;
  readonly #log: Log;

  constructor(job: Job, options: Readonly<Record<string, unknown>>, state: unknown, log: Log) {
    this.#job = job;
    this.options = options;
    this.state = state;
    this.#log = log;
  }

  get handler(): string {
    return this.#job.handler;
  }
  get endpoint(): string {
    return this.#job.endpoint;
  }
  get codec(): string {
    return this.#job.codec.name;
  }
  get requestId(): string {
    return this.#job.requestId;
  }
  get metadata(): Metadata {
    return this.#job.metadata;
  }
  get deadline(): number {
    return this.#job.deadline;
  }
  get signal(): AbortSignal {
    return this.#job.signal;
  }
  get span(): Span {
    const { trace } = this.#job;
    return trace?.span ?? passingSpan(trace?.context);
  }
  get log(): Log {
    return this.#log.child({ requestId: this.#job.requestId, ...traceIds(this.#job.trace) });
  }
}

/** For the lines of a log. */
export function traceIds(trace: CallTrace | undefined): { readonly traceId?: string; readonly spanId?: string } {
  if (trace === undefined) return NONE;
  const { traceId, spanId } = trace;
  return spanId === undefined ? { traceId } : { traceId, spanId };
}

const NONE = {};
