/** Calls handlers behind any REP or ROUTER socket, ours or not. */
import type { Body, Codec } from "../codecs/codec.ts";
import { BOUNDS, DEFAULTS, limitsWith } from "../config/defaults.ts";
import { checkCount, checkMs } from "../durations.ts";
import { CallError, ZmqEchoError } from "../errors.ts";
import type { Metadata, Value } from "../handler.ts";
import { isTraced } from "../tracing/api.ts";
import { parseAddress } from "../wire/address.ts";
import { BATCH_LIMITS } from "../wire/batch.ts";
import { NO_METADATA } from "../wire/json-frames.ts";
import { decodeReply, readPlainReply, readZepReply } from "../wire/reply.ts";
import type { CurveKeys } from "./connection.ts";
import { openBatchingDealer, openDealer } from "./dealer.ts";
import { createHeads } from "./heads.ts";
import { createIntrospection, type Introspection } from "./introspect.ts";
import { createPlaces } from "./places.ts";
import { openReq } from "./req.ts";
import { withRetries } from "./retry.ts";
import { createServers } from "./servers.ts";
import { type Wait, Waits } from "./wait.ts";

/** All of a client but its codec. */
export interface ConnectionOptions {
  /** `tcp://HOST:PORT` or `ipc://PATH`, one or several that are alike; one that does not answer is passed over. */
  readonly connect: string | readonly string[];
  /** Milliseconds for a whole call, waiting and retries included. Default 10000. */
  readonly timeoutMs?: number;
  /**
   * How many requests are on the wire at once; the others wait, in order, within their deadlines. One that is alone goes over a
   * REQ, those beside others over a DEALER that speaks like one. 1 for a server that does not keep a request's whole
   * envelope. Default 128.
   */
  readonly maxInFlight?: number;
  /**
   * Let calls that leave in one turn of the event loop travel as one message, to servers that take such (zmqecho's do). Each
   * keeps its own deadline and its own reply, and a large one travels alone. Default true.
   */
  readonly batch?: boolean;
  /** How often a call that failed with a retryable code is sent again. The server may have run it before. Default 0. */
  readonly retries?: number;
  /** Keep trying until the timeout when nobody is there, instead of failing at once. Default false. */
  readonly wait?: boolean;
  /** For servers that ask for CURVE keys; from `curveKeysFrom`. */
  readonly curve?: CurveKeys | undefined;
  /** Bounds on replies. Default: 4 MiB in 64 frames, nested 128 deep. */
  readonly limits?: { readonly maxMessageBytes?: number; readonly maxFrames?: number; readonly maxDepth?: number };
  /** Sees each message as it leaves and arrives, headers included. */
  readonly onFrames?: (direction: "sent" | "received", frames: Body) => void;
}

export interface RequestOptions {
  /** Milliseconds for this call; instead of the client's. */
  readonly timeoutMs?: number;
  /** Ends the wait with `canceled`. */
  readonly signal?: AbortSignal;
}

export interface CallOptions extends RequestOptions {
  /** Text pairs for the handler; `timeout-ms` is set from the timeout unless given. 8 KiB at most. */
  readonly metadata?: Metadata;
}

/** What a handler takes and gives; see {@link TypesOf}. */
export interface HandlerType {
  readonly input: unknown;
  readonly output: unknown;
}

/** By the handlers' names. They are promises to the compiler alone: nothing is checked when a call is made. */
export type HandlerTypes<Names> = { readonly [Name in keyof Names]: HandlerType };

export interface AnyHandlers {
  readonly [handler: string]: { readonly input: unknown; readonly output: Value };
}

/**
 * Connects when first used. Calls may be made side by side, and their replies come as the server gives them.
 * All methods reject with a `CallError`, which is a `ZmqEchoError`: the code, message and details that the server sent, or, from this side,
 * `invalid_argument` (the input can't be encoded), `unavailable` (nobody there, with the reason),
 * `unauthenticated` (the server asks for other keys, or refuses ours), `deadline_exceeded`, `canceled`,
 * `resource_exhausted` (the reply is over a limit, or no socket is left), `internal` (the reply can't be read).
 */
export interface Client<Handlers extends HandlerTypes<Handlers> = AnyHandlers> extends Introspection {
  /** Asks a plain endpoint, or any REP server: the encoded input is the whole message. */
  request<Output = Value>(input: unknown, options?: RequestOptions): Promise<Output>;
  /** Calls a handler by name on an endpoint that serves `handlers` (ZEP/1). */
  call<Name extends keyof Handlers & string>(
    handler: Name,
    input: Handlers[Name]["input"],
    options?: CallOptions,
  ): Promise<Handlers[Name]["output"]>;
  /** The same with bodies that are encoded already: by name if `handler` is given, else plain. */
  exchange(body: Body, options?: CallOptions & { readonly handler?: string }): Promise<Body>;
  /** Ends what is under way with `canceled`. Nothing keeps the process alive afterwards. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client whose codec is made already. Throws `invalid_argument` for an address that can't be used. */
export function createClientWith(codec: Codec, options: ConnectionOptions): Client {
  const addresses = [options.connect].flat();
  if (addresses.length === 0) throw new ZmqEchoError("invalid_argument", "connect names no address");
  for (const address of addresses) parseAddress(address, "connect");
  const { retries = DEFAULTS.retries, batch = true, timeoutMs: usualTimeoutMs = DEFAULTS.clientTimeoutMs } = options;
  checkMs(usualTimeoutMs, "timeoutMs");
  const limits = limitsWith(options.limits);
  const maxInFlight = checkCount(options.maxInFlight ?? DEFAULTS.maxInFlight, "maxInFlight", BOUNDS.maxInFlight);
  const servers = createServers({
    addresses,
    limits: { ...limits, maxInFlight },
    curve: options.curve,
    persistent: options.wait ?? false,
    // One that is alone in flight, and those beside others.
    open: { req: openReq, dealer: openDealer, batching: openBatchingDealer },
  });
  // Replies come in batches too, and one that is as large as they may be must not be over the limit.
  const mayBatch = batch && limits.maxMessageBytes >= BATCH_LIMITS.maxBytes;
  const places = createPlaces(maxInFlight);
  const waits = new Waits();
  const headOf = createHeads(codec.name);
  const told = { address: addresses[0] ?? "", codec: codec.name };
  /** Whether there have been several calls by name at once. */
  let wasCrowded = false;

  function exchange(body: Body, request: ExchangeOptions = {}): Promise<Body> {
    const timeoutMs = checkMs(request.timeoutMs ?? usualTimeoutMs, "timeoutMs");
    checkBody(body);
    const wait: Wait = { timeoutMs, expiresAt: performance.now() + timeoutMs, signal: request.signal, waits };
    const first = attempt(body, request, wait);
    if (retries === 0) return first;
    const again = (): Promise<Body> => {
      request.onRetry?.();
      return attempt(body, request, wait);
    };
    return withRetries(first, again, retries, wait);
  }

  async function attempt(body: Body, { handler, metadata = NO_METADATA }: ExchangeOptions, wait: Wait): Promise<Body> {
    const turn = places.enter(wait);
    if (turn !== undefined) await turn;
    try {
      const frames = handler === undefined ? body : [...headOf(handler, metadata, wait.expiresAt), ...body];
      const reply = await servers.exchange(kindOf(handler), frames, wait, options.onFrames);
      if (handler === undefined) return readPlainReply(reply);
      const success = readZepReply(reply);
      if (success.codec === codec.name) return success.body;
      throw new ZmqEchoError("internal", `the reply is in codec ${JSON.stringify(success.codec)}, not ${codec.name}`);
    } finally {
      places.leave();
    }
  }

  /** A server that is called by name keeps envelopes, so once there have been many at once there is no need for a REQ. */
  function kindOf(handler: string | undefined): "req" | "dealer" | "batching" {
    const isNamed = handler !== undefined && mayBatch;
    const isAlone = places.taken() === 1;
    if (!isAlone) wasCrowded ||= isNamed;
    if (isNamed && wasCrowded) return "batching";
    return isAlone ? "req" : "dealer";
  }

  async function ask<Output = Value>(input: unknown, request: ExchangeOptions = {}): Promise<Output> {
    try {
      return (await traced(request, (asked) => askNow(input, asked))) as Output;
    } catch (error) {
      throw callError(error);
    }
  }

  /** Makes a call, in a span where an SDK is there to have one. */
  function traced<T>(request: ExchangeOptions, make: (request: ExchangeOptions) => Promise<T>): Promise<T> {
    if (!isTraced()) return make(request);
    return import("./spans.ts").then(({ makeInSpan }) => makeInSpan(told, request, make));
  }

  async function askNow(input: unknown, request: ExchangeOptions): Promise<Value> {
    return decodeReply(codec, await exchange(codec.encodeBody(input), request));
  }

  async function close(): Promise<void> {
    waits.close();
    servers.close();
  }

  return {
    request: ask,
    call: (handler, input, call) => ask(input, { ...call, handler }),
    exchange: (body, request = {}) => asCallError(() => traced(request, (asked) => exchange(body, asked))),
    ...createIntrospection((frames, request) => asCallError(() => exchange(frames, request))),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type ExchangeOptions = CallOptions & { readonly handler?: string; readonly onRetry?: () => void };

async function asCallError<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw callError(error);
  }
}

/** What the caller of a client gets is a failed call of its own, and not what it says to its own caller. */
function callError(error: unknown): unknown {
  return ZmqEchoError.is(error) ? new CallError(error) : error;
}

function checkBody(body: Body): void {
  if (Array.isArray(body) && body.length > 0 && body.every((frame) => frame instanceof Uint8Array)) return;
  throw new ZmqEchoError("invalid_argument", "a body is a list of one or more Uint8Array");
}
