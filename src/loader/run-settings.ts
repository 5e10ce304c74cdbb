/** How a handler runs: what the configuration says, or the plugin, or the defaults. */
import { availableParallelism } from "node:os";
import { DEFAULTS } from "../config/defaults.ts";
import type { HandlerConfig } from "../config/effective.ts";
import type { IsolatedOptions } from "../runtime/isolated.ts";
import type { HandlerOutline } from "./shape.ts";

/** Milliseconds from the read of a request to its deadline. */
export function timeoutOf(outline: HandlerOutline, own: { readonly timeoutMs?: number } = {}): number {
  return own.timeoutMs ?? outline.timeoutMs ?? DEFAULTS.handlerTimeoutMs;
}

/** Where it runs. */
export function isolationOf(outline: HandlerOutline, own: Partial<HandlerConfig> = {}) {
  return own.isolation ?? outline.isolation ?? "inline";
}

/** How many calls run at once. A worker runs one at a time, so no more than there may be workers. */
export function concurrencyOf(outline: HandlerOutline, own: Partial<HandlerConfig>): number {
  const asked = own.concurrency ?? outline.concurrency ?? Number.POSITIVE_INFINITY;
  return isolationOf(outline, own) === "inline" ? asked : Math.min(asked, poolOf(own).maxWorkers);
}

/** The bounds of its pool, if it does not run inline. */
export function poolOf({ pool }: Partial<HandlerConfig>): IsolatedOptions["pool"] {
  const { idleMs, memoryMb } = pool ?? DEFAULTS.pool;
  return { maxWorkers: pool?.maxWorkers ?? availableParallelism(), idleMs, memoryMb };
}
