/** What a host tells its page, and what the page asks of it: JSON over HTTP. The two are of one version, so this may change with any. */
import type { Json, JsonObject } from "../errors.ts";
import type { HandlerSummary, HostStats } from "./introspection.ts";

/** The paths that the page asks. */
export const PAGE_PATHS = {
  events: "/page/events",
  setup: "/page/setup",
  handler: "/page/handler",
  call: "/page/call",
} as const;

/** The header that a call needs beside its token: no form and no link of another site can send it. */
export const CALL_HEADER = "Zmqecho-Call";

/** The first event of a stream, `hello`. */
export interface PageHello {
  /** Another one after each start of the host. */
  readonly run: string;
  /** All that are kept. */
  readonly news: readonly NewsLine[];
}

/** The event `tick`, each second. */
export interface PageTick {
  readonly stats: HostStats;
  /** Why the host can't serve all it should. */
  readonly lacks: readonly string[];
  /** Those that came since the tick before. */
  readonly news: readonly NewsLine[];
  /** Requests that ended since the tick before, in the order of their ends: failures first if there were too many. */
  readonly tail: readonly TailEntry[];
  /** How many more ended. */
  readonly unshown: number;
}

/** A line of the host's own log. */
export interface NewsLine {
  readonly id: number;
  /** Milliseconds since the epoch; of the last time it was said. */
  readonly at: number;
  readonly level: "info" | "warn" | "error";
  readonly text: string;
  /** How often it was said while it was kept. */
  readonly times: number;
  readonly endpoint?: string;
}

/** A request that ended. */
export interface TailEntry {
  readonly id: number;
  /** Milliseconds since the epoch, of its end. */
  readonly at: number;
  readonly endpoint: string;
  /** Absent if it could not be read as a call. */
  readonly handler?: string;
  readonly codec?: string;
  readonly transport: string;
  readonly code: string;
  readonly ms: number;
  readonly waitedMs: number;
  /** Bytes of the bodies. */
  readonly received: number;
  readonly sent: number;
  /** Absent for a success that was given none. */
  readonly requestId?: string;
  readonly message?: string;
  /** The beginnings of both bodies; only if the configuration says so. */
  readonly request?: Excerpt;
  readonly reply?: Excerpt;
}

/** Bytes as text if they are some, else in hex. */
export interface Excerpt {
  readonly form: "text" | "hex";
  readonly text: string;
  /** Whether there were more. */
  readonly cut: boolean;
}

/** What changes only when a host reloads. */
export interface PageSetup {
  readonly endpoints: readonly PageEndpoint[];
  readonly handlers: readonly HandlerSummary[];
  readonly codecs: readonly string[];
  readonly payloads: boolean;
  /** Absolute; absent if there is no file. */
  readonly file?: string;
  readonly folder: string;
  readonly config: readonly ConfigLine[];
}

export interface PageEndpoint {
  readonly name: string;
  readonly addresses: readonly string[];
  /** The codec of a plain endpoint; absent for one that serves handlers by name. */
  readonly codec?: string;
  /** The names that it serves now, sorted. */
  readonly handlers: readonly string[];
  readonly concurrency: number;
  readonly queue: number;
  readonly curve: boolean;
}

/** One value of the configuration in effect. */
export interface ConfigLine {
  /** Such as `endpoints.echo.bind[0]`. */
  readonly path: string;
  readonly value: Json;
  /** `default`, a variable, `flag`, or file:line:column. */
  readonly origin: string;
}

/** What the form sends. */
export interface PageCall {
  readonly endpoint: string;
  readonly handler: string;
  readonly codec: string;
  /** JSON text; for raw the text itself, or bytes in hex. */
  readonly body: string;
  readonly isHex?: boolean;
  /** For endpoints by name. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What came of it. */
export interface PageReply {
  /** Milliseconds from the frames to those of the reply. */
  readonly ms: number;
  readonly sent: readonly FrameView[];
  readonly received: readonly FrameView[];
  readonly outcome: PageOutcome;
}

export type PageOutcome =
  | { readonly code: "ok"; readonly value: string; readonly form: "json" | "text" | "hex"; readonly cut: boolean }
  | { readonly code: string; readonly message: string; readonly details: JsonObject };

/** A frame as on the wire. */
export interface FrameView {
  readonly bytes: number;
  /** Offset, hex and characters of its beginning. */
  readonly dump: string;
}

/** Why a call was not made. */
export interface PageRefusal {
  readonly error: string;
}
