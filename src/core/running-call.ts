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
  /** When its caller is told that it took too long, on the clock of `performance.now()`. */
  readonly expiresAt: number;
  /** When its place is given to another: a caller in a hurry does not get more to run at once than the others. */
  readonly placeExpiresAt: number;
  readonly #newRequestId: () => string;
  #requestId: string | undefined;
  #abort: AbortController | undefined;
  #over: Error | undefined;

  constructor(call: Call, codec: Codec, timeoutMs: number, newRequestId: () => string) {
    const asked = call.metadata["timeout-ms"];
    this.call = call;
    this.codec = codec;
    this.placeExpiresAt = call.receivedAt + timeoutMs;
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
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#over !== undefined) this.#abort.abort(this.#over);
    }
    return this.#abort.signal;
  }

  remainingMs(): number {
    return this.expiresAt - performance.now();
  }

  /** Tells the handler, if it asked, that nobody waits any more. */
  abort(reason: Error): void {
    this.#over = reason;
    this.#abort?.abort(reason);
  }
}
