/** One admitted call while it runs: its ids, its deadline and its signal, each made when first asked for. */
import type { Codec } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Metadata } from "../handler.ts";
import type { HandlerSlot } from "../loader/slot.ts";
import type { CodecRecipe, ServedCodec } from "../runtime/recipe.ts";
import type { Job } from "../runtime/runner.ts";
import type { CallTrace } from "../tracing/trace.ts";
import { NO_METADATA } from "../wire/json-frames.ts";
import { traceContextIn } from "../wire/trace-context.ts";
import { shorten } from "../wording.ts";
import type { Call } from "./call.ts";

const RESERVED_METADATA = new Set(["timeout-ms", "request-id", "traceparent", "tracestate"]);

/** That of the span made here, or else the caller's. */
export function traceOf({ trace, metadata }: Call): CallTrace | undefined {
  return trace ?? traceContextIn(metadata);
}

export class RunningCall implements Job {
  readonly call: Call;
  readonly slot: HandlerSlot;
  /** When its caller is told that it took too long, on the clock of `performance.now()`. */
  readonly expiresAt: number;
  /** When its place is given to another: a caller in a hurry does not get more to run at once than the others. */
  readonly placeExpiresAt: number;
  /** Milliseconds that it waited for a place. */
  waitedMs = 0;
  /** Of the handler that runs it. */
  version: string | undefined;
  readonly #codec: ServedCodec;
  readonly #newRequestId: () => string;
  #requestId: string | undefined;
  #abort: AbortController | undefined;
  #over: Error | undefined;

  constructor(call: Call, codec: ServedCodec, slot: HandlerSlot, timeoutMs: number, newRequestId: () => string) {
    const asked = call.metadata["timeout-ms"];
    this.call = call;
    this.slot = slot;
    this.#codec = codec;
    this.placeExpiresAt = call.receivedAt + timeoutMs;
    this.expiresAt = call.receivedAt + (asked === undefined ? timeoutMs : Math.min(timeoutMs, Number(asked)));
    this.#newRequestId = newRequestId;
  }

  get endpoint(): string {
    return this.call.source.endpoint;
  }
  /** For the queue: who sent it. */
  get peer(): string {
    return this.call.source.peer ?? "";
  }
  get handler(): string {
    return this.call.handler;
  }
  get codec(): Codec {
    const { codec } = this.#codec;
    if (codec !== undefined) return codec;
    const where = "comes from a plugin that runs in workers only, and this handler runs in the host";
    throw new ZmqEchoError("unimplemented", `codec ${JSON.stringify(shorten(this.call.codec))} ${where}`);
  }
  get recipe(): CodecRecipe | undefined {
    return this.#codec.recipe;
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
  get trace(): CallTrace | undefined {
    return traceOf(this.call);
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
