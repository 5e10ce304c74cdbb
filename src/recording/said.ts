/** What the frames of a request or a reply say, read by whoever sits beside the two that talk. Nothing here fails. */
import type { Body, Codec } from "../codecs/codec.ts";
import { type ErrorCode, type JsonObject, textOf } from "../errors.ts";
import type { Metadata, Value } from "../handler.ts";
import { BATCH_LIMITS, unpackBatch } from "../wire/batch.ts";
import { parsePlainError, parseReply, parseRequest } from "../wire/zep.ts";

export type Said =
  | {
      readonly kind: "body";
      /** The codec's name. */
      readonly codec: string;
      readonly body: Body;
      /** For raw its bytes, or a list of them. */
      readonly value: Value;
      readonly takesBytes: boolean;
      /** Of a call by name. */
      readonly handler?: string;
      /** Of ZEP/1. */
      readonly metadata?: Metadata;
    }
  | { readonly kind: "error"; readonly code: ErrorCode; readonly message: string; readonly details: JsonObject }
  | { readonly kind: "verb"; readonly verb: string }
  | {
      readonly kind: "unreadable";
      readonly frames: Body;
      readonly why: string;
      /** Its name, of a body that is as it should be as far as one can tell without that codec. */
      readonly unknownCodec?: string;
    };

export interface SaidOptions {
  /** ZEP/1 on both sides, or plain. */
  readonly zep: boolean;
  readonly requestCodec: Codec;
  readonly replyCodec: Codec;
  /** A codec that a ZEP/1 message names and is neither of these two; undefined if there is none. */
  readonly codecNamed?: (name: string) => Codec | undefined;
}

export interface Reader {
  request(frames: Body): Said;
  reply(frames: Body): Said;
}

export function createReader({ zep, requestCodec, replyCodec, codecNamed = () => undefined }: SaidOptions): Reader {
  const named = (own: Codec, name: string): Codec | undefined => (name === own.name ? own : codecNamed(name));

  function body(codec: Codec | undefined, name: string, frames: Body, head: object = {}): Said {
    if (codec === undefined)
      return { kind: "unreadable", frames, why: `there is no codec ${JSON.stringify(name)}`, unknownCodec: name };
    try {
      const takesBytes = codec.passesBytesOn === true;
      return { kind: "body", codec: name, body: frames, value: codec.decodeBody(frames), takesBytes, ...head };
    } catch (error) {
      return { kind: "unreadable", frames, why: textOf(error) };
    }
  }

  function readRequest(frames: Body): Said {
    if (!zep) return body(requestCodec, requestCodec.name, frames);
    const request = parseRequest(frames);
    if (request.verb === "batch" && request.packed !== undefined) unpackBatch(request.packed, BATCH_LIMITS);
    if (request.verb !== "call") return { kind: "verb", verb: request.verb };
    const { handler, codec, metadata } = request;
    return body(named(requestCodec, codec), codec, request.body, { handler, metadata });
  }

  function readReply(frames: Body): Said {
    if (!zep) {
      const error = parsePlainError(frames);
      return error === undefined ? body(replyCodec, replyCodec.name, frames) : { kind: "error", ...error };
    }
    const reply = parseReply(frames);
    if (reply.code !== "ok") return { kind: "error", ...reply };
    const { codec, metadata } = reply;
    return body(named(replyCodec, codec), codec, reply.body, { metadata });
  }

  const safely = (read: (frames: Body) => Said) => (frames: Body) => {
    try {
      return read(frames);
    } catch (error) {
      return { kind: "unreadable", frames, why: textOf(error) } as const;
    }
  };

  return { request: safely(readRequest), reply: safely(readReply) };
}
