/** How the core hands a call to whatever runs its handler: here, in a thread or in a process. Only bytes cross. */
import type { Body, Codec } from "../codecs/codec.ts";
import type { Metadata } from "../handler.ts";

/** One admitted call. */
export interface Job {
  readonly endpoint: string;
  readonly handler: string;
  readonly codec: Codec;
  readonly body: Body;
  readonly requestId: string;
  /** Without the reserved names. */
  readonly metadata: Metadata;
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
  /** Tears down; call it when no job runs any more. */
  close(): Promise<void>;
}
