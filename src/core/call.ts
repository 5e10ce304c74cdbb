/**
 * The seam between transports and the core: the body is bytes, the head is structured. A transport frames calls and
 * outcomes in its own way and shares all the rest.
 */
import type { Body } from "../codecs/codec.ts";
import type { CallCounts } from "../counts.ts";
import type { ErrorCode, JsonObject, ZmqEchoError } from "../errors.ts";
import type { Metadata } from "../handler.ts";
import type { CallTrace } from "../tracing/trace.ts";

/** Where a call came from. */
export interface Source {
  /** The kind of transport, such as `zmq`. */
  readonly transport: string;
  /** The config's name of the endpoint. */
  readonly endpoint: string;
  /** Who sent it, as far as the transport can tell its peers apart. */
  readonly peer?: string;
}

/** One request, read and framed, not yet decoded. */
export interface Call {
  readonly handler: string;
  readonly codec: string;
  /** Reserved names included: `timeout-ms`, `request-id`, `traceparent`, `tracestate`. */
  readonly metadata: Metadata;
  readonly body: Body;
  /** `performance.now()` when the host read the request: the deadline's clock starts here. */
  readonly receivedAt: number;
  readonly source: Source;
  /** Set by a hook that makes a span of it; the caller's own trace is in the metadata. */
  trace?: CallTrace;
}

/** What became of a call. */
export type Outcome = Success | Failure;

export interface Success {
  readonly code: "ok";
  readonly codec: string;
  readonly metadata: Metadata;
  readonly body: Body;
}

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** Always holds `requestId`. */
  readonly details: JsonObject;
}

/** Turns calls into outcomes; knows no socket. One for each endpoint. */
export interface Core {
  /** Settles once and never rejects or throws; synchronous when the handler is. */
  call(call: Call): Outcome | Promise<Outcome>;
  /** The outcome of a message that could not be read as a call; counted and logged like any other. */
  refuse(error: ZmqEchoError, source: Source): Failure;
  /**
   * From now on calls are `unavailable`. Resolves when none is left; what runs after `graceMs` is answered `unavailable`.
   * @param why what the callers are told; default: that the host is shutting down
   */
  drain(graceMs: number, why?: string): Promise<void>;
  load(): Load;
}

/** What an endpoint does just now, and what it has done. */
export interface Load extends CallCounts {
  readonly inFlight: number;
  readonly queued: number;
  /** Calls that found no place and no room to wait, or had to give their room to another peer. */
  readonly refused: number;
}

/** Brings calls in and carries outcomes out. */
export interface Transport {
  /** Opens the sockets, and resolves with the addresses it can be reached at. What comes waits in them. */
  open(): Promise<readonly string[]>;
  /** Begins to read. */
  serve(core: Core): void;
  /** Resolves when all that had reached us has been handed to the core. Calls that come later still get an answer. */
  stopReading(): Promise<void>;
  /** Sends what is ready and closes. */
  close(): Promise<void>;
}

/** How a call went. Milliseconds are from the read of its request. */
export interface Durations {
  /** Until its outcome. */
  readonly totalMs: number;
  /** Of those, the ones it waited for a place. */
  readonly waitedMs: number;
  /** The version of the handler that ran it; absent if none did, or if the handler is given in code. */
  readonly version?: string | undefined;
}

/** Told about every call; metrics, traces and traffic logs are built on this. Must not throw and must not wait. */
export interface CallHook {
  start?(call: Call): void;
  /**
   * Calls `run`, which calls the handler and comes back when that returns its result or its promise: what is to be around it, as
   * an AsyncLocalStorage is, goes here. Not called for what is refused; for an isolated handler it is around the handing over.
   */
  around?(call: Call, run: () => void): void;
  /** What was thrown, of a call that is about to end as `internal`: its caller is not told, and so the outcome has none of it. */
  failed?(call: Call, error: Error): void;
  /** Also for what was refused before it became a call, with the call absent. */
  end?(outcome: Outcome, durations: Durations, source: Source, call?: Call): void;
}
