/** The metrics of a host: names and meanings, and where each number comes from. docs/operations.md has the same table. */
import type { Config } from "../../config/effective.ts";
import type { CallCounts } from "../../counts.ts";
import type { EndpointStats, HandlerStats, HostStats } from "../../wire/introspection.ts";
import type { EndpointCalls, HandlerCalls } from "./call-counts.ts";
import type { LoopLag } from "./loop-lag.ts";
import type { ProcessFigures } from "./process-figures.ts";

/** What is there at one moment. */
export interface Seen {
  readonly version: string;
  readonly isReady: boolean;
  readonly stats: HostStats;
  readonly endpoints: Config["endpoints"];
  readonly calls: ReadonlyMap<string, EndpointCalls>;
  readonly lag: LoopLag;
  readonly process: ProcessFigures;
  /** How many files this process may have open. */
  readonly maxFiles: number;
}

/** A number, or counts of durations, with the values of the metric's labels in their order. */
export interface Sample<Value> {
  readonly value: Value;
  readonly labels: readonly string[];
}

interface Named {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface NumberMetric extends Named {
  readonly type: "counter" | "gauge";
  samples(seen: Seen): Iterable<Sample<number>>;
}

export interface DurationMetric extends Named {
  readonly type: "histogram";
  samples(seen: Seen): Iterable<Sample<CallCounts["latency"]>>;
}

export type Metric = NumberMetric | DurationMetric;

export const METRICS: readonly Metric[] = [
  gauge("zmqecho_info", "Versions of zmqecho and of Node; always 1.", {
    labels: ["version", "node"],
    samples: ({ version }) => [{ value: 1, labels: [version, process.version] }],
  }),
  gauge("zmqecho_ready", "1 if the host serves all that its configuration names, as /readyz has it; otherwise 0.", {
    samples: ({ isReady }) => only(isReady ? 1 : 0),
  }),
  {
    type: "histogram",
    name: "zmqecho_request_duration_seconds",
    help: "From the read of a request to its outcome. The handler is empty for what named none that there is.",
    labels: ["endpoint", "handler", "code"],
    *samples(seen) {
      for (const [labels, { codes }] of handlersOf(seen))
        for (const [code, counter] of codes) yield { value: counter.counts().latency, labels: [...labels, code] };
    },
  },
  {
    type: "histogram",
    name: "zmqecho_request_wait_seconds",
    help: "Of that, how long a call waited for a place of its endpoint and its handler.",
    labels: ["endpoint"],
    *samples({ calls }) {
      for (const [endpoint, { waited }] of calls) yield { value: waited.counts().latency, labels: [endpoint] };
    },
  },
  ofCalls("zmqecho_request_bytes_total", "Bytes of the bodies of calls.", ({ requestBytes }) => requestBytes),
  ofCalls("zmqecho_response_bytes_total", "Bytes of the bodies of replies.", ({ responseBytes }) => responseBytes),
  ofEndpoints("gauge", "zmqecho_endpoint_in_flight", "Calls that run.", ({ inFlight }) => inFlight),
  ofEndpoints(
    "gauge",
    "zmqecho_endpoint_concurrency",
    "How many calls may run at once.",
    (_, { concurrency }) => concurrency,
  ),
  ofEndpoints("gauge", "zmqecho_endpoint_queued", "Calls that wait for a place.", ({ queued }) => queued),
  ofEndpoints(
    "gauge",
    "zmqecho_endpoint_queue",
    "How many calls may wait; large ones count several times.",
    (_, { queue }) => queue,
  ),
  ofEndpoints("counter", "zmqecho_refused_total", "Calls that found no room to wait.", ({ refused }) => refused),
  ofEndpoints(
    "counter",
    "zmqecho_dropped_replies_total",
    "Replies that their peers had left, or did not take.",
    ({ droppedReplies }) => droppedReplies,
  ),
  ofEndpoints(
    "counter",
    "zmqecho_rejected_keys_total",
    "How often a client came with a key that is not allowed.",
    ({ refusedKeys }) => refusedKeys,
  ),
  ofHandlers(
    "gauge",
    "zmqecho_handler_in_flight",
    "Calls of a handler that run, of all endpoints.",
    ({ inFlight }) => inFlight,
  ),
  ofHandlers("gauge", "zmqecho_workers", "Workers that live.", ({ workers }) => workers?.live),
  ofHandlers(
    "counter",
    "zmqecho_workers_lost_total",
    "Workers that died, or had to be killed.",
    ({ workers }) => workers?.lost,
  ),
  {
    type: "counter",
    name: "zmqecho_reloads_total",
    help: "How often plugins or the configuration were loaded anew (done), and how often some of it could not be used (failed).",
    labels: ["result"],
    samples: ({ stats }) => Object.entries(stats.reloads).map(([result, value]) => ({ value, labels: [result] })),
  },
  ...(["mean", "p99", "max"] as const).map((which) =>
    gauge(
      `zmqecho_event_loop_lag_${which}_seconds`,
      `How late the event loop was since the last scrape, or for ten seconds: ${which}.`,
      {
        samples: ({ lag }) => only(lag[which]),
      },
    ),
  ),
  {
    type: "counter",
    name: "process_cpu_seconds_total",
    help: "Processor time of this process, user and system, isolated handlers in threads included.",
    labels: [],
    samples: (seen) => only(seen.process.cpuSeconds),
  },
  gauge("process_resident_memory_bytes", "Memory of this process, threads included.", {
    samples: (seen) => only(seen.process.memory.rss),
  }),
  gauge("process_start_time_seconds", "When this process began, in seconds since 1970.", {
    samples: (seen) => only(seen.process.startedAt),
  }),
  gauge("process_open_fds", "Files and connections that are open.", {
    samples: (seen) => only(seen.process.openFiles),
  }),
  gauge("process_max_fds", "How many there may be.", {
    samples: ({ maxFiles }) => only(Number.isFinite(maxFiles) ? maxFiles : undefined),
  }),
  gauge("nodejs_heap_size_used_bytes", "JavaScript's heap that is in use, of the host's own thread.", {
    samples: (seen) => only(seen.process.memory.heapUsed),
  }),
  gauge("nodejs_heap_size_total_bytes", "JavaScript's heap that is reserved.", {
    samples: (seen) => only(seen.process.memory.heapTotal),
  }),
  gauge("nodejs_external_memory_bytes", "Memory of buffers outside of that heap.", {
    samples: (seen) => only(seen.process.memory.external),
  }),
];

function gauge(
  name: string,
  help: string,
  rest: Pick<NumberMetric, "samples"> & Partial<Pick<NumberMetric, "labels">>,
): NumberMetric {
  return { type: "gauge", name, help, labels: [], ...rest };
}

/** What can't be known has no sample. */
function only(value: number | undefined, labels: readonly string[] = []): Sample<number>[] {
  return value === undefined ? [] : [{ value, labels }];
}

function* handlersOf({ calls }: Seen): Iterable<[labels: string[], HandlerCalls]> {
  for (const [endpoint, { handlers }] of calls)
    for (const [handler, counted] of handlers) yield [[endpoint, handler], counted];
}

function ofCalls(name: string, help: string, bytes: (calls: HandlerCalls) => number): NumberMetric {
  return {
    type: "counter",
    name,
    help,
    labels: ["endpoint", "handler"],
    samples: (seen) => [...handlersOf(seen)].flatMap(([labels, calls]) => only(bytes(calls), labels)),
  };
}

function ofEndpoints(
  type: NumberMetric["type"],
  name: string,
  help: string,
  read: (stats: EndpointStats, config: Config["endpoints"][string]) => number | undefined,
): NumberMetric {
  return {
    type,
    name,
    help,
    labels: ["endpoint"],
    samples: ({ stats, endpoints }) =>
      Object.entries(stats.endpoints).flatMap(([endpoint, counts]) => {
        const config = endpoints[endpoint];
        return config === undefined ? [] : only(read(counts, config), [endpoint]);
      }),
  };
}

function ofHandlers(
  type: NumberMetric["type"],
  name: string,
  help: string,
  read: (stats: HandlerStats) => number | undefined,
): NumberMetric {
  return {
    type,
    name,
    help,
    labels: ["handler"],
    samples: ({ stats }) =>
      Object.entries(stats.handlers).flatMap(([handler, counts]) => only(read(counts), [handler])),
  };
}
