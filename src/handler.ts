/**
 * What the author of a plugin sees: handlers, their context, codecs, and the values that travel between them.
 */
import type { Span } from "@opentelemetry/api";
import type { StandardSchemaV1 } from "@standard-schema/spec";

/**
 * A value that every codec can carry, each in its own way (docs/codecs.md).
 * `bigint` stands only for integers outside ±(2^53-1); bytes are `Uint8Array`.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly Value[]
  | { readonly [key: string]: Value };

/** Text pairs that travel beside a call's body. */
export type Metadata = Readonly<Record<string, string>>;

/** In the host's own thread, in a thread of a pool, in a process of a pool. */
export const ISOLATIONS = ["inline", "thread", "process"] as const;

/** Where a handler runs. */
export type Isolation = (typeof ISOLATIONS)[number];

/** `log.info("text")` or `log.info({ fields }, "text")`, as in pino. */
export interface LogMethod {
  (message: string): void;
  (fields: object, message?: string): void;
}

/** A structured log, as pino's: any pino logger fits. */
export interface Log {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A log that adds these fields to each of its lines. */
  child(fields: Record<string, unknown>): Log;
}

/** What a handler is told about the call it answers. */
export interface HandlerContext<Options = Readonly<Record<string, unknown>>, State = unknown> {
  /** The name the handler is served under. */
  readonly handler: string;
  /** The config's name of the endpoint the call came through. */
  readonly endpoint: string;
  /** The codec of the call's body and of its reply. */
  readonly codec: string;
  /** The caller's `request-id`, or one made here. It is in every log line and error reply of this call. */
  readonly requestId: string;
  /** What the caller sent beside the body, without the reserved names. Empty on a plain endpoint. */
  readonly metadata: Metadata;
  /** When the call ends with `deadline_exceeded`, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborts when the call is over for its caller: at the deadline, or when the host stops. */
  readonly signal: AbortSignal;
  /** `handlers.NAME.options` of the config. */
  readonly options: Options;
  /** What `setup` returned. */
  readonly state: State;
  /**
   * The call in a trace (OpenTelemetry): in the host the span of the call, in a worker that has an SDK one of its own below it.
   * Where there is no SDK it records nothing, and has the ids of the caller's `traceparent`, if any.
   */
  readonly span: Span;
  /** Adds handler and request id to each line, and the ids of trace and span where there are any. */
  readonly log: Log;
}

/** What `setup` is told. */
export interface SetupContext<Options = Readonly<Record<string, unknown>>> {
  readonly handler: string;
  readonly options: Options;
  readonly log: Log;
}

/** A handler as a plain function: the decoded body in, the value of the reply out. Nothing returned replies `null`. */
export type HandlerFunction<Input = unknown, Output = unknown> = (
  input: Input,
  context: HandlerContext,
) => Output | Promise<Output>;

type Parsed<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : unknown;
type Accepted<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferInput<Schema> : unknown;

/** A handler with its defaults; `handlers.NAME` in the config overrides `timeoutMs`, `isolation` and `concurrency`. */
export interface HandlerDefinition<
  Input extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined,
  Output extends StandardSchemaV1 | undefined = StandardSchemaV1 | undefined,
  Options = Readonly<Record<string, unknown>>,
  State = unknown,
> {
  /** One line for people. */
  readonly description?: string;
  /** Any Standard Schema (https://standardschema.dev). What it refuses is `invalid_argument`; `handle` gets what it returns. */
  readonly input?: Input;
  /** What it refuses is `internal`; the reply carries what it returns. */
  readonly output?: Output;
  /** Milliseconds from the moment the request is read to `deadline_exceeded`. Default 5000. */
  readonly timeoutMs?: number;
  /** Where it runs (docs/runtime.md). Default: `inline`, in the host's own thread. */
  readonly isolation?: Isolation;
  /** How many of its calls run at once, over all endpoints. Default: as many as the endpoints let through. */
  readonly concurrency?: number;
  /** Once per load, or per worker, before the first call; at most 10 s. Its result is `context.state`. */
  setup?(context: SetupContext<Options>): State | Promise<State>;
  /** Once per unload, or per worker, after the last call. */
  teardown?(state: State): void | Promise<void>;
  /** Once per call. A thrown {@link ZmqEchoError} is told to the caller, anything else is `internal`. */
  handle(input: Parsed<Input>, context: HandlerContext<Options, State>): Accepted<Output> | Promise<Accepted<Output>>;
}

/** Types a handler; gives back what it got. Export the result as the default of a file in `plugins/`. */
export function defineHandler<
  Input extends StandardSchemaV1 | undefined = undefined,
  Output extends StandardSchemaV1 | undefined = undefined,
  Options = Readonly<Record<string, unknown>>,
  State = unknown,
>(definition: HandlerDefinition<Input, Output, Options, State>): HandlerDefinition<Input, Output, Options, State> {
  return definition;
}

/** What a handler takes and gives, for `createClient`: `TypesOf<typeof vat>`. */
export type TypesOf<Handler> = Handler extends (input: infer Input, ...rest: never[]) => infer Output
  ? { readonly input: Input; readonly output: Awaited<Output> }
  : { readonly input: Accepted<SchemaOf<Handler, "input">>; readonly output: Parsed<SchemaOf<Handler, "output">> };

type SchemaOf<Handler, Side extends string> = Handler extends { readonly [Name in Side]?: infer Schema }
  ? Exclude<Schema, undefined>
  : undefined;

/** A codec of your own. Both functions are synchronous; what they throw is an error of encoding or decoding. */
export interface CodecDefinition {
  /** A value of the model as bytes. */
  encode(value: Value): Uint8Array;
  /** Bytes from a stranger as a value of the model; throw for what is malformed. */
  decode(bytes: Uint8Array): unknown;
}

const CODEC = Symbol.for("zmqecho.codec");

/** Marks an export of a plugin as a codec; it is served under the plugin's name. */
export function defineCodec(definition: CodecDefinition): CodecDefinition {
  return Object.assign(definition, { [CODEC]: true });
}

/** True for what {@link defineCodec} returned, from any copy of this package. */
export function isCodecDefinition(value: unknown): value is CodecDefinition {
  return typeof value === "object" && value !== null && CODEC in value;
}
