/** One call in a worker, as it came over. */
import type { Body, Codec } from "../../codecs/codec.ts";
import type { Metadata } from "../../handler.ts";
import type { CallTrace } from "../../tracing/trace.ts";
import type { CallMessage } from "../link/messages.ts";
import type { Job } from "../runner.ts";

export class ReceivedCall implements Job {
  readonly endpoint: string;
  readonly handler: string;
  readonly codec: Codec;
  readonly body: Body;
  readonly requestId: string;
  readonly metadata: Metadata;
  readonly deadline: number;
  /** As the host told it; then that of the span here, if there is one. */
  trace: CallTrace | undefined;
  #controller: AbortController | undefined;
  #over: Error | undefined;

  constructor({ endpoint, body, requestId, metadata, deadline, trace }: CallMessage, handler: string, codec: Codec) {
    this.endpoint = endpoint;
    this.handler = handler;
    this.codec = codec;
    this.body = body;
    this.requestId = requestId;
    this.metadata = metadata;
    this.deadline = deadline;
    this.trace = trace;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#over !== undefined) this.#controller.abort(this.#over);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#over = reason;
    this.#controller?.abort(reason);
  }
}
