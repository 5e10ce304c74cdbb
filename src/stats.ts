/** What a host tells of itself in numbers: `host.stats()`, and the reply to `ZEP1 stats`. */
import { type CallCounts, LATENCY_BOUNDS_MS } from "./counts.ts";
import type { EndpointLoad } from "./endpoints.ts";
import type { HandlerSlot } from "./loader/slot.ts";

/** All counts are since the start; durations are in milliseconds. */
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
}

export interface HandlerStats extends CallCounts {
  readonly inFlight: number;
  /** Of a handler that runs in workers: how many live now, and how many died or had to be killed. */
  readonly workers?: { readonly live: number; readonly lost: number };
}

export interface Counted {
  readonly startedAt: number;
  readonly reloads: HostStats["reloads"];
  readonly loads: ReadonlyMap<string, EndpointLoad>;
  readonly slots: Iterable<HandlerSlot>;
}

/**
 * @param allows what an endpoint that asks serves: it learns of these handlers, and of the endpoints that serve no others.
 * Absent for the host's own program, which learns all.
 */
export function statsOf({ startedAt, reloads, loads, slots }: Counted, allows = everything): HostStats {
  const endpoints = [...loads].filter(([, { config }]) => servesNoOther(config, allows));
  return {
    uptimeMs: Math.round(performance.now() - startedAt),
    reloads,
    latencyBoundsMs: LATENCY_BOUNDS_MS,
    endpoints: Object.fromEntries(endpoints.map(([name, { config: _, ...load }]) => [name, load])),
    handlers: Object.fromEntries(
      [...slots]
        .filter(({ name }) => allows(name))
        .map((slot): [string, HandlerStats] => [slot.name, handlerStats(slot)]),
    ),
  };
}

function everything(_handler: string): boolean {
  return true;
}

function handlerStats(slot: HandlerSlot): HandlerStats {
  const workers = slot.workers();
  return { inFlight: slot.running, ...(workers !== undefined && { workers }), ...slot.counter.counts() };
}

/** A pattern is covered if what stands before its star is. */
function servesNoOther({ handler, handlers }: EndpointLoad["config"], allows: (name: string) => boolean): boolean {
  return (handlers ?? [handler]).every((pattern) => allows(pattern.replace(/\*$/, "")));
}
