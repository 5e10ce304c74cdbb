import { LONGEST_TIMER_MS } from "../durations.ts";

/**
 * Every default there is, in one place. Nothing here loads a package, so that whoever needs only a default pays for nothing else.
 * Durations are in milliseconds, sizes in bytes.
 */
export const DEFAULTS = {
  /** Folders are relative to the config file. */
  plugins: ["./plugins"],
  watch: true,
  /** Where the echo server listens if the config names no endpoints, and where `send` goes if it is told nothing. */
  address: "tcp://127.0.0.1:25933",
  /** The name of that endpoint. */
  endpoint: "echo",
  handler: "echo",
  codec: "raw",
  /** Calls of one endpoint that run at once. 1 is lock-step, as a REP has it. */
  concurrency: 1,
  /** Calls that may wait for one of those places. */
  queue: 256,
  ipcMode: "0700",
  /** From reading a request to `deadline_exceeded`, unless the plugin or the config says otherwise. */
  handlerTimeoutMs: 5_000,
  /** For a whole call, retries included. Longer than the handler's, so that its reason arrives. */
  clientTimeoutMs: 10_000,
  retries: 0,
  /** Requests of one client that are on the wire at once. */
  maxInFlight: 128,
  /** For a plugin's `setup`. */
  setupTimeoutMs: 10_000,
  /** Of a handler that runs in threads or processes; as many of those as there are processor cores. */
  pool: { idleMs: 60_000, memoryMb: 256 },
  limits: {
    maxMessageBytes: 4 * 1024 * 1024,
    maxFrames: 64,
    maxDepth: 128,
    handshakeMs: 5_000,
    lingerMs: 2_000,
  },
  log: { level: "info", format: "auto" },
  shutdown: { graceMs: 15_000 },
  /** Nothing listens unless the configuration says so; this is what to write. */
  http: { bind: "127.0.0.1:9464" },
  capture: { codes: ["internal", "deadline_exceeded"], max: 1000, maxBytes: 64 * 1024 * 1024 },
} as const;

/** The most that may be asked for, in the configuration, in plugins and on the command line alike. */
export const BOUNDS = {
  /** Of a handler, of a call. */
  timeoutMs: LONGEST_TIMER_MS,
  retries: 1000,
  maxInFlight: 65_536,
  /** Of an endpoint, of a handler. */
  concurrency: 65_536,
  /** Of a handler. */
  maxWorkers: 1024,
  /** Of `bench`. libzmq has 1023 sockets to a context, and a connection whose events are listened to takes three. */
  connections: 256,
  /** Requests a second of `bench`. */
  rate: 1_000_000,
} as const;

type Limits = { readonly [Name in keyof typeof DEFAULTS.limits]: number };

/** The default limits with others over them. One that is undefined counts as not given. */
export function limitsWith(given: { readonly [Name in keyof Limits]?: number | undefined } = {}): Limits {
  const own = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS.limits, ...Object.fromEntries(own) };
}

/** The codecs that need no entry under `codecs`. */
export const BUILT_IN_CODECS = ["raw", "json", "cbor", "msgpack", "protobuf"] as const;

/** What the name of a handler, an endpoint, a codec or a target looks like. */
export const NAME_PATTERN = /^[A-Za-z0-9][\w.-]*$/;
