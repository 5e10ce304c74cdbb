/** Calls handlers behind any REP or ROUTER socket, ours or not. */
import { setTimeout as delay } from "node:timers/promises";
import type { Body, Codec, CodecSpec } from "../codecs/codec.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Metadata, Value } from "../handler.ts";
import { parseAddress } from "../wire/address.ts";
import { checkMetadata, NO_METADATA, writeRequest } from "../wire/zep.ts";
import { decodeReply, readPlainReply, readZepReply } from "./reply.ts";
import { createReq } from "./req.ts";
import { createTurns } from "./turns.ts";

export interface ClientOptions {
  /** `tcp://HOST:PORT` or `ipc://PATH`, one or several; one that does not answer is passed over. */
  readonly connect: string | readonly string[];
  /** How bodies are encoded: a name, a spec, or what `createCodec` made. Default `raw`. */
  readonly codec?: CodecSpec | Codec;
  /** Milliseconds for a whole call, waiting and retries included. Default 10000. */
  readonly timeoutMs?: number;
  /** How often a call that failed with a retryable code is sent again. The server may have run it before. Default 0. */
  readonly retries?: number;
  /** Keep trying until the timeout when nobody is there, instead of failing at once. Default false. */
  readonly wait?: boolean;
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

/**
 * A connection that is made when first used. Requests go out one after the other, in order.
 * All methods reject with a `ZmqEchoError`: the code, message and details that the server sent, or, from this side,
 * `invalid_argument` (the input can't be encoded), `unavailable` (nobody there, with the reason), `deadline_exceeded`,
 * `canceled`, `resource_exhausted` (the reply is over a limit), `internal` (the reply can't be read).
 */
export interface Client {
  /** Asks a plain endpoint, or any REP server: the encoded input is the whole message. */
  request(input: unknown, options?: RequestOptions): Promise<Value>;
  /** Calls a handler by name on an endpoint that serves `handlers` (ZEP/1). */
  call(handler: string, input: unknown, options?: CallOptions): Promise<Value>;
  /** The same with bodies that are encoded already: by name if `handler` is given, else plain. */
  exchange(body: Body, options?: CallOptions & { readonly handler?: string }): Promise<Body>;
  /** Ends what is under way with `canceled`. Nothing keeps the process alive afterwards. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The first pause before a retry; it doubles, and half of it is random so that clients do not come back in step. */
const FIRST_BACKOFF_MS = 50;

/** A client whose codec is made already. Throws `invalid_argument` for an address that can't be used. */
export function createClientWith(codec: Codec, options: Omit<ClientOptions, "codec">): Client {
  const addresses = [options.connect].flat();
  if (addresses.length === 0) throw new ZmqEchoError("invalid_argument", "connect names no address");
  for (const address of addresses) parseAddress(address, "connect");
  const limits = { ...DEFAULTS.limits, ...options.limits };
  const req = createReq({ addresses, limits, wait: options.wait ?? false });
  const turns = createTurns();
  const closing = new AbortController();

  async function exchange(body: Body, request: CallOptions & { readonly handler?: string } = {}): Promise<Body> {
    const timeoutMs = request.timeoutMs ?? options.timeoutMs ?? DEFAULTS.clientTimeoutMs;
    const expiresAt = performance.now() + timeoutMs;
    const signal = request.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, request.signal]);
    for (let retriesLeft = options.retries ?? DEFAULTS.retries; ; retriesLeft--) {
      try {
        return await turns.take({ expiresAt, timeoutMs, signal }, () =>
          attempt(body, request, expiresAt, timeoutMs, signal),
        );
      } catch (error) {
        if (!ZmqEchoError.is(error) || !error.retryable || retriesLeft <= 0) throw error;
        const doubled = FIRST_BACKOFF_MS * 2 ** ((options.retries ?? 0) - retriesLeft) * (0.5 + Math.random() / 2);
        const { retryAfterMs } = error.details;
        const backoff = typeof retryAfterMs === "number" ? Math.max(retryAfterMs, doubled) : doubled;
        if (performance.now() + backoff >= expiresAt) throw error;
        await delay(backoff, undefined, { signal }).catch(() => {
          throw new ZmqEchoError("canceled", "the call was canceled");
        });
      }
    }
  }

  async function attempt(
    body: Body,
    { handler, metadata = NO_METADATA }: CallOptions & { readonly handler?: string },
    expiresAt: number,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Body> {
    const frames = handler === undefined ? body : frameCall(handler, codec.name, metadata, body, expiresAt);
    options.onFrames?.("sent", frames);
    const reply = await req.exchange(frames, { expiresAt, timeoutMs, signal });
    options.onFrames?.("received", reply);
    if (handler === undefined) return readPlainReply(reply);
    const success = readZepReply(reply);
    if (success.codec === codec.name) return success.body;
    throw new ZmqEchoError("internal", `the reply is in codec ${JSON.stringify(success.codec)}, not ${codec.name}`);
  }

  async function close(): Promise<void> {
    closing.abort(new Error("the client was closed"));
    req.close();
  }

  return {
    request: async (input, request) => decodeReply(codec, await exchange(codec.encodeBody(input), request)),
    call: async (handler, input, call) =>
      decodeReply(codec, await exchange(codec.encodeBody(input), { ...call, handler })),
    exchange,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function frameCall(handler: string, codec: string, given: Metadata, body: Body, expiresAt: number): Body {
  const left = Math.max(1, Math.ceil(expiresAt - performance.now()));
  const metadata = { "timeout-ms": String(left), ...given };
  checkMetadata(metadata);
  return writeRequest({ verb: "call", handler, codec, metadata, body });
}
