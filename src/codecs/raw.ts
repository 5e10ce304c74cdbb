/** Bytes as they came. The one codec that sees frames, and the one without a value model to walk. */
import { types } from "node:util";
import { ZmqEchoError } from "../errors.ts";
import type { Value } from "../handler.ts";
import { expectSize } from "./bind.ts";
import type { Body, Codec, CodecLimits } from "./codec.ts";
import { isWellFormed } from "./values.ts";

const EMPTY = new Uint8Array(0);

/**
 * Bytes are neither read nor copied: one frame is a `Uint8Array`, several are an array of them. Encodes bytes, strings
 * (as UTF-8) and arrays of these; null, undefined and `[]` are one empty frame. Anything else is `invalid_argument`,
 * more than `maxMessageBytes` is `resource_exhausted`. Bytes to be sent must not be changed afterwards.
 */
export function createRawCodec(name: string, limits: CodecLimits): Codec {
  const encodeBody = (value: unknown): Body => {
    const parts: readonly unknown[] = Array.isArray(value) && value.length > 0 ? value : [value];
    if (limits.maxFrames !== undefined && parts.length > limits.maxFrames) {
      const text = `${name} can't encode ${parts.length} frames; ${limits.maxFrames} at most`;
      throw new ZmqEchoError("resource_exhausted", text);
    }
    const frames = parts.map((part, index) => frameOf(part, name, parts.length > 1 ? `$[${index}]` : "$"));
    expectSize(sizeOf(frames), name, "encode", limits);
    return frames;
  };
  const decodeBody = (body: Body): Value => {
    expectSize(sizeOf(body), name, "decode", limits);
    return body.length > 1 ? body : (body[0] ?? EMPTY);
  };
  return {
    name,
    passesBytesOn: true,
    encode(value) {
      const [frame = EMPTY, ...more] = encodeBody(value);
      if (more.length === 0) return frame;
      throw new ZmqEchoError("invalid_argument", `${name} can't encode ${more.length + 1} frames as one`);
    },
    decode: (bytes) => decodeBody([bytes]),
    encodeBody,
    decodeBody,
    fromJson: (json) => json,
  };
}

function frameOf(part: unknown, name: string, path: string): Uint8Array {
  if (types.isUint8Array(part)) return part;
  if (typeof part === "string") {
    if (isWellFormed(part)) return Buffer.from(part);
    throw new ZmqEchoError("invalid_argument", `${name} can't encode ${path}: a string with half a surrogate pair`);
  }
  if (part === null || part === undefined || (Array.isArray(part) && part.length === 0)) return EMPTY;
  const what = Array.isArray(part) ? "an array in an array" : `a value of type ${typeof part}`;
  throw new ZmqEchoError(
    "invalid_argument",
    `${name} can't encode ${path}: ${what}; give bytes, text or an array of them`,
  );
}

/** As `bytesOf` in wire/limits.ts, which would be one module more for each worker to load. */
function sizeOf(frames: Body): number {
  let bytes = 0;
  for (const frame of frames) bytes += frame.length;
  return bytes;
}
