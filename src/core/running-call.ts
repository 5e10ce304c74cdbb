/** One admitted call while it runs: its ids, its deadline and its signal, each made when first asked for. */
import type { Codec } from "../codecs/codec.ts";
import type { Metadata } from "../handler.ts";
import type { Job } from "../runtime/runner.ts";
import { NO_METADATA } from "../wire/zep.ts";
import type { Call } from "./call.ts";

const RESERVED_METADATA = new Set(["timeout-ms", "request-id", "traceparent", "tracestate"]);

export class RunningCall implements Job {
  readonly call: Call;
  readonly codec: Codec;
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number;
  readonly #newRequestId: () => string;
  #requestId: string | undefined;
  #abort: AbortController | undefined;

  constructor(call: Call, codec: Codec, timeoutMs: number, newRequestId: () => string) {
    const asked = call.metadata["timeout-ms"];
    this.call = call;
    this.codec = codec;
    this.expiresAt = call.receivedAt + (asked === undefined ? timeoutMs : Math.min(timeoutMs, Number(asked)));
    this.#newRequestId = newRequestId;
  }

  get endpoint(): string {
    return this.call.source.endpoint;
  }
  get handler(): string {
    return this.call.handler;
  }
  get body(): Call["body"] {
    return this.call.body;
  }
  get requestId(): string {
    this.#requestId ??= this.call.metadata["request-id"] ?? this.#newRequestId();
    return this.#requestId;
  }
  get metadata(): Metadata {
    const { metadata } = this.call;
    if (metadata === NO_METADATA) return metadata;
    return Object.fromEntries(Object.entries(metadata).filter(([name]) => !RESERVED_METADATA.has(name)));
  }
  get deadline(): number {
    return Date.now() + this.remainingMs();
  }
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  remainingMs(): number {
    return this.expiresAt - performance.now();
  }

  /** Tells the handler, if it asked, that nobody waits any more. */
  abort(reason: Error): void {
    this.#abort?.abort(reason);
  }
}
