/** What a host tells of itself in numbers: `host.stats()`, and the reply to `ZEP1 stats`. */
import { LATENCY_BOUNDS_MS } from "./counts.ts";
import type { EndpointLoad } from "./endpoint.ts";
import type { HandlerSlot } from "./loader/slot.ts";
import type { HandlerStats, HostStats } from "./wire/introspection.ts";

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
