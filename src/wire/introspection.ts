/** What an endpoint tells of itself when it is asked by ping, list, describe or stats; docs/protocol.md says the same. */
import type { CallCounts } from "../counts.ts";
import type { JsonObject } from "../errors.ts";
import type { Isolation } from "../handler.ts";

/** The reply to `ZEP1 ping`. */
export interface Pong {
  readonly protocol: string;
  /** The endpoint's name in its host's configuration. */
  readonly endpoint: string;
}

/** The reply to `ZEP1 list`. */
export interface HandlerList {
  /** Sorted by name. */
  readonly handlers: readonly HandlerSummary[];
  /** The names that a call may give for its codec, sorted. */
  readonly codecs: readonly string[];
}

export interface HandlerSummary {
  readonly name: string;
  readonly description?: string;
  /** `broken`: its plugin does not load or its setup failed, and no earlier version answers; calls are `unavailable`. */
  readonly state: "ready" | "broken";
}

/** The reply to `ZEP1 describe`. */
export interface HandlerDescription extends HandlerSummary {
  readonly isolation: Isolation;
  /** Milliseconds from the read of a request to its deadline. */
  readonly timeoutMs: number;
  /** How many of its calls run at once; absent if only the endpoints limit it. */
  readonly concurrency?: number;
  /** Of one that runs in workers. */
  readonly pool?: { readonly maxWorkers: number; readonly idleMs: number; readonly memoryMb: number };
  /** Of the endpoint that was asked. */
  readonly limits: { readonly maxMessageBytes: number; readonly maxFrames: number; readonly maxDepth: number };
  /** The codecs it can be called in, sorted. */
  readonly codecs: readonly string[];
  /** JSON Schema (draft 2020-12) of what it takes, if its schema can say it. */
  readonly input?: JsonObject;
  /** The same of what it replies. */
  readonly output?: JsonObject;
  /** The message types of codecs that have a schema of their own. */
  readonly protobuf?: readonly ProtobufDescription[];
  /** What was left out, and why. */
  readonly notes?: readonly string[];
}

export interface ProtobufDescription {
  readonly codec: string;
  /** Full names. */
  readonly request: string;
  readonly response: string;
  /** Both types and all they refer to, as a .proto file has them. */
  readonly proto?: string;
}

/** The reply to `ZEP1 stats`. All counts are since the start; durations are in milliseconds. */
export interface HostStats {
  readonly uptimeMs: number;
  /** How often plugins or the configuration were loaded anew, and how often something of that failed. */
  readonly reloads: { readonly done: number; readonly failed: number };
  /** The upper bounds of the latency buckets, in milliseconds; one more bucket holds the rest. */
  readonly latencyBoundsMs: readonly number[];
  readonly endpoints: Readonly<Record<string, EndpointStats>>;
  readonly handlers: Readonly<Record<string, HandlerStats>>;
}

export interface EndpointStats extends CallCounts {
  readonly inFlight: number;
  readonly queued: number;
  /** Calls that were `resource_exhausted` because all places and the queue were taken. */
  readonly refused: number;
  /** Replies that their peers had left, or did not take. */
  readonly droppedReplies: number;
  /** Of an endpoint that asks for keys: how often a client came with one that is not allowed. */
  readonly refusedKeys?: number;
}

export interface HandlerStats extends CallCounts {
  readonly inFlight: number;
  /** Of a handler that runs in workers: how many live now, and how many died or had to be killed. */
  readonly workers?: { readonly live: number; readonly lost: number };
}
