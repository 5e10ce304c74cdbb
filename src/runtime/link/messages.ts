/** What a host and a worker tell each other: data only, over a port or a pipe of their own that plugins don't see. */
import type { Body } from "../../codecs/codec.ts";
import type { Log, Metadata } from "../../handler.ts";
import type { Bundle } from "../../loader/bundle.ts";
import type { PluginFile } from "../../loader/find.ts";
import type { PluginOutline } from "../../loader/shape.ts";
import type { CallTrace } from "../../tracing/trace.ts";
import type { CodecRecipe } from "../recipe.ts";
import type { ErrorData } from "./error-data.ts";

export type ToWorker = OutlineMessage | StartMessage | CallMessage | AbortMessage | { readonly kind: "close" };

/** The first message, to a worker that is thrown away. */
export interface OutlineMessage {
  readonly kind: "outline";
  readonly plugin: PluginFile;
  readonly bundle: Bundle;
  readonly timeoutMs: number;
}

/** The first message, to a worker of a pool. */
export interface StartMessage {
  readonly kind: "start";
  readonly plugin: PluginFile;
  readonly bundle: Bundle;
  readonly handler: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly setupMs: number;
  /**
   * Whether to load what makes codecs before the plugin's code runs, since calls will need it. A thread that exits while
   * it imports leaves files open for as long as the host lives, and a plugin may exit at any time.
   */
  readonly loadCodecs: boolean;
}

/** One at a time, to a worker that is ready. */
export interface CallMessage {
  readonly kind: "call";
  readonly id: number;
  readonly endpoint: string;
  readonly codec: string;
  /** Only if it is not the one that this worker got last for the same endpoint and codec. */
  readonly recipe: CodecRecipe | undefined;
  readonly body: Body;
  readonly requestId: string;
  readonly metadata: Metadata;
  readonly deadline: number;
  /** Data only. Absent if the call is in none. */
  readonly trace?: CallTrace;
}

export interface AbortMessage {
  readonly kind: "abort";
  readonly id: number;
  readonly reason: ErrorData;
}

export type FromWorker =
  /** The plugin's code begins to run; after this its `setup`, if it has one. */
  | { readonly kind: "running" }
  | { readonly kind: "loaded" }
  | { readonly kind: "outline"; readonly outline: PluginOutline }
  | { readonly kind: "ready" }
  /** It does not load, or its setup failed. */
  | { readonly kind: "failed"; readonly error: ErrorData }
  /** The codec that came with the call is loaded. */
  | { readonly kind: "begun"; readonly id: number }
  | { readonly kind: "result"; readonly id: number; readonly body: Body }
  | { readonly kind: "error"; readonly id: number; readonly error: ErrorData }
  | LogMessage
  /** An error that nobody caught, the last thing it says. */
  | { readonly kind: "dying"; readonly error: ErrorData; readonly origin: NodeJS.UncaughtExceptionOrigin }
  /** Its teardown has ended, and so will it. */
  | { readonly kind: "closed"; readonly error: ErrorData | undefined };

export interface LogMessage {
  readonly kind: "log";
  readonly level: Exclude<keyof Log, "child">;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Of the fields, those that are errors. */
  readonly errors: Readonly<Record<string, ErrorData>>;
  readonly message: string;
}
