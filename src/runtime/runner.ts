/** How the core hands a call to whatever runs its handler: here, in a thread or in a process. Only bytes cross. */
import type { Body, Codec } from "../codecs/codec.ts";
import type { Metadata } from "../handler.ts";
import type { CallTrace } from "../tracing/trace.ts";
import type { CodecRecipe } from "./recipe.ts";

/** One admitted call. */
export interface Job {
  readonly endpoint: string;
  readonly handler: string;
  /** Made when first read. */
  readonly codec: Codec;
  /** How a worker makes the same codec; absent for one that exists in this thread only. */
  readonly recipe?: CodecRecipe | undefined;
  readonly body: Body;
  readonly requestId: string;
  /** Without the reserved names. */
  readonly metadata: Metadata;
  /** Undefined if it is in none. */
  readonly trace?: CallTrace | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborts when the call is over for its caller. Made when first read. */
  readonly signal: AbortSignal;
}

/** A handler that is ready to be called. */
export interface Runner {
  /** Milliseconds from the read of a request to its deadline, unless the caller asks for less. */
  readonly timeoutMs: number;
  /**
   * Decodes, handles, encodes; synchronous if the handler is. Throws or rejects with whatever the handler threw,
   * or a `ZmqEchoError`: `invalid_argument` for a body that can't be decoded or that the input schema refuses,
   * `internal` for a result that the output schema or the codec refuses.
   */
  run(job: Job): Body | Promise<Body>;
  /** Tears down; call it when no job runs any more. What can be ended from outside is, after `withinMs`. */
  close(withinMs: number): Promise<void>;
  /** Of a handler that runs in workers. */
  readonly workers?: WorkerCounts;
}

export interface WorkerCounts {
  /** How many there are now. */
  live(): number;
  /** How many died, or had to be killed, since the runner was made. */
  lost(): number;
}
