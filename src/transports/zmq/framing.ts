/** What an endpoint's messages mean: one handler's bare payloads (plain), or ZEP/1 calls by name. */
import type { Body } from "../../codecs/codec.ts";
import type { Call, Core, Outcome, Source } from "../../core/call.ts";
import { ZmqEchoError } from "../../errors.ts";
import { BATCH_LIMITS, type BatchItem, type BatchLimits, unpackBatch } from "../../wire/batch.ts";
import type { HandlerDescription, HandlerList, HostStats, Pong } from "../../wire/introspection.ts";
import { NO_METADATA } from "../../wire/json-frames.ts";
import { type MessageLimits, overLimit } from "../../wire/limits.ts";
import { packedIn, parseRequest, writePlainError, writeReply } from "../../wire/zep.ts";

export interface Framing {
  /** A call for the core, or frames to reply with at once. Throws a `ZmqEchoError` for what is malformed. */
  read(frames: Body, source: Source): Call | Body;
  write(outcome: Outcome): Body;
  /** The calls of a message that is a batch, undefined for any other. Throws a `ZmqEchoError` for what is malformed. */
  unpack?(frames: Body): readonly BatchItem[] | undefined;
}

/** The whole message is the payload; the config says whose and in which codec. Never reads ZEP, so it echoes any bytes. */
export function plainFraming(handler: string, codec: string): Framing {
  return {
    read: (body, source) => ({ handler, codec, metadata: NO_METADATA, body, receivedAt: performance.now(), source }),
    write: (outcome) => (outcome.code === "ok" ? outcome.body : writePlainError(outcome)),
  };
}

/** What an endpoint tells of its host. */
export interface Introspection {
  stats(): HostStats;
  list(): HandlerList;
  /** Throws `not_found` for a handler that is not served there. */
  describe(handler: string): HandlerDescription;
}

/**
 * ZEP/1: each call names its handler and its codec.
 * @param introspection absent if the endpoint tells nothing of its host
 */
export function zepFraming({ maxMessageBytes }: MessageLimits, introspection?: Introspection): Framing {
  const { maxBytes, maxCalls } = BATCH_LIMITS;
  const batches: BatchLimits = { maxBytes: Math.min(maxBytes, maxMessageBytes), maxCalls };
  return {
    read(frames, source) {
      const receivedAt = performance.now();
      const request = parseRequest(frames);
      if (request.verb === "call") {
        const { handler, codec, metadata, body } = request;
        return { handler, codec, metadata, body, receivedAt, source };
      }
      if (request.verb === "batch") {
        if (request.packed === undefined) return told(batches);
        unpackBatch(request.packed, batches);
        throw new ZmqEchoError("invalid_argument", "a batch can't be in a batch");
      }
      if (request.verb === "ping") return told({ protocol: "ZEP1", endpoint: source.endpoint } satisfies Pong);
      if (introspection === undefined) throw new ZmqEchoError("unimplemented", "this endpoint tells nothing of itself");
      if (request.verb === "describe") return told(introspection.describe(request.handler));
      return told(introspection[request.verb]());
    },
    write: writeReply,
    unpack(frames) {
      const packed = packedIn(frames);
      return packed && unpackBatch(packed, batches);
    },
  };
}

function told(facts: object): Body {
  const body = [Buffer.from(JSON.stringify(facts))];
  return writeReply({ code: "ok", codec: "json", metadata: NO_METADATA, body });
}

export interface Answerer {
  /** The calls of a batch; undefined for any other message, and for a batch that can't be read: its answer says so. */
  unpack(frames: Body): readonly BatchItem[] | undefined;
  /** The reply to a request that is not looked at. */
  refuse(error: ZmqEchoError, source: Source): Body;
  /** From a request's frames to its reply's; synchronous if the call is, and never failing. */
  answer(frames: Body, source: Source): Body | Promise<Body>;
}

export function createAnswerer(core: Core, framing: Framing, limits: MessageLimits): Answerer {
  return {
    unpack(frames) {
      try {
        return framing.unpack?.(frames);
      } catch {
        return undefined;
      }
    },
    refuse: (error, source) => framing.write(core.refuse(error, source)),
    answer(frames, source) {
      const tooLarge = overLimit(frames, limits);
      if (tooLarge !== undefined) return framing.write(core.refuse(tooLarge, source));
      let read: Call | Body;
      try {
        read = framing.read(frames, source);
      } catch (error) {
        return framing.write(core.refuse(ZmqEchoError.from(error), source));
      }
      if (!("handler" in read)) return read;
      const outcome = core.call(read);
      return outcome instanceof Promise ? outcome.then(framing.write) : framing.write(outcome);
    },
  };
}
