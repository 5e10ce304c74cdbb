/** `/metrics`: what a host does, for a Prometheus that asks now and then. */
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { Registry } from "prom-client";
import type { CallHook } from "../../core/call.ts";
import { fileLimit } from "../../files.ts";
import type { HostView } from "../host-view.ts";
import { type Routes, reply } from "../listener.ts";
import { formFor, type MetricsForm } from "./accept.ts";
import { createCallCounting } from "./call-counts.ts";
import { writeMetrics } from "./exposition.ts";
import { METRICS, type Seen } from "./figures.ts";
import { watchLoop } from "./loop-lag.ts";
import { readProcess } from "./process-figures.ts";

export interface Metrics {
  readonly hook: CallHook;
  readonly routes: Routes;
  stop(): void;
}

const TYPES = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
} as const;

/** How many times as long as metrics took to write none are written. */
const REST = 9;

/** Counts from now on. */
export function createMetrics(host: HostView): Metrics {
  const calls = createCallCounting(host.isHandler);
  const loop = watchLoop();
  const maxFiles = fileLimit();
  const { version } = createRequire(import.meta.url)("../../../package.json") as { version: string };
  /** Those that are being written: however many ask at once, it is done once. */
  const writing = new Map<MetricsForm, Promise<Buffer>>();
  /** Whoever asks before waits until then, so that those who ask without end have a small part of the thread. */
  let restUntil = 0;

  async function look(): Promise<Seen> {
    const figures = await readProcess();
    const stats = host.introspection.stats();
    return {
      version,
      isReady: host.lacks().length === 0,
      stats,
      endpoints: host.config().config.endpoints,
      calls: calls.endpoints((name) => Object.hasOwn(stats.endpoints, name)),
      lag: loop.look(),
      process: figures,
      maxFiles,
    };
  }

  async function writeSoon(form: MetricsForm): Promise<Buffer> {
    await delay(restUntil - performance.now(), undefined, { ref: false });
    const from = performance.now();
    const bytes = await writeMetrics(METRICS, await look(), TYPES[form]);
    restUntil = performance.now() + (performance.now() - from) * REST;
    return bytes;
  }

  function write(form: MetricsForm): Promise<Buffer> {
    const before = writing.get(form);
    if (before !== undefined) return before;
    const bytes = writeSoon(form).finally(() => writing.delete(form));
    writing.set(form, bytes);
    return bytes;
  }

  return {
    hook: calls.hook,
    routes: {
      "/metrics": {
        method: "GET",
        anyHost: true,
        async handle(request, response) {
          const form = formFor(request.headers.accept);
          response.setHeader("Vary", "Accept");
          reply(response, 200, await write(form), TYPES[form]);
        },
      },
    },
    stop: loop.stop,
  };
}
