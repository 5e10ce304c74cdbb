/**
 * ZEP/1: the frames of calls, replies and errors. Specified in docs/protocol.md, with vectors in test/vectors/.
 * Nothing here knows a socket or a codec; the body passes through untouched.
 */
import type { Body } from "../codecs/codec.ts";
import { type ErrorCode, isErrorCode, type JsonObject, ZmqEchoError } from "../errors.ts";
import type { Metadata } from "../handler.ts";
import {
  malformed,
  NO_METADATA,
  parseJsonObject,
  parseMetadata,
  textFrom,
  writeDetails,
  writeMetadata,
} from "./json-frames.ts";

const MAX_NAME_BYTES = 255;
const PREFIX = "ZEP1 ";

/** What a client asks of an endpoint that serves handlers by name. */
export type ZepRequest =
  | { readonly verb: "ping" | "list" | "stats" }
  | { readonly verb: "describe"; readonly handler: string }
  /** Without `packed` it asks whether the endpoint takes batches; see batch.ts. */
  | { readonly verb: "batch"; readonly packed?: Uint8Array }
  | {
      readonly verb: "call";
      readonly handler: string;
      readonly codec: string;
      readonly metadata: Metadata;
      readonly body: Body;
    };

/** What comes back. An error's details always hold `requestId`. */
export type ZepReply =
  | { readonly code: "ok"; readonly codec: string; readonly metadata: Metadata; readonly body: Body }
  | { readonly code: ErrorCode; readonly message: string; readonly details: JsonObject };

const EMPTY = Buffer.alloc(0);
const CALL = Buffer.from("ZEP1 call");
const ALONE = { ping: Buffer.from("ZEP1 ping"), list: Buffer.from("ZEP1 list"), stats: Buffer.from("ZEP1 stats") };
const DESCRIBE = Buffer.from("ZEP1 describe");
const BATCH = Buffer.from("ZEP1 batch");
const OK = Buffer.from("ZEP1 ok");

/** Reads a request. Throws `invalid_argument` for what is malformed, `unimplemented` for another version or verb. */
export function parseRequest(frames: Body): ZepRequest {
  const [first = EMPTY, handler, codec, metadata] = frames;
  const verb = CALL.equals(first) ? "call" : verbOf(first);
  if (verb === "call") {
    if (handler === undefined || codec === undefined || metadata === undefined || frames.length === 4) {
      throw malformed(
        `a call has at least 5 frames (ZEP1 call, handler, codec, metadata, body), this one ${frames.length}`,
      );
    }
    return {
      verb,
      handler: readHandler(handler),
      codec: readCodec(codec),
      metadata: readMetadata(metadata),
      body: frames.slice(4),
    };
  }
  if (verb === "ping" || verb === "list" || verb === "stats") {
    if (frames.length !== 1) throw malformed(`a message ${verb} is one frame, this one has ${frames.length}`);
    return { verb };
  }
  if (verb === "describe") {
    if (handler === undefined || frames.length !== 2)
      throw malformed(`a message describe is two frames (ZEP1 describe, handler), this one has ${frames.length}`);
    return { verb, handler: readHandler(handler) };
  }
  if (verb === "batch") {
    if (frames.length > 2) throw malformed(`a batch is one or two frames, this one has ${frames.length}`);
    return handler === undefined ? { verb } : { verb, packed: handler };
  }
  const text = `verb ${JSON.stringify(verb)} is not served here; call, batch, ping, list, describe and stats are`;
  throw new ZmqEchoError("unimplemented", text);
}

/** What is in a batch, and undefined for any other message: the one question that is asked of all, so without a parse. */
export function packedIn(frames: Body): Uint8Array | undefined {
  const [first, packed] = frames;
  return frames.length === 2 && first !== undefined && BATCH.equals(first) ? packed : undefined;
}

/** A request as frames. The body's frames are passed on, not copied. */
export function writeRequest(request: ZepRequest): Body {
  if (request.verb === "describe") return [DESCRIBE, Buffer.from(request.handler)];
  if (request.verb === "batch") return request.packed === undefined ? [BATCH] : [BATCH, request.packed];
  if (request.verb !== "call") return [ALONE[request.verb]];
  return [
    CALL,
    Buffer.from(request.handler),
    Buffer.from(request.codec),
    writeMetadata(request.metadata),
    ...request.body,
  ];
}

/** Reads a reply. Throws `invalid_argument` if it is none, `unimplemented` for another version. */
export function parseReply(frames: Body): ZepReply {
  const [first = EMPTY, second, third] = frames;
  const code = OK.equals(first) ? "ok" : verbOf(first);
  if (second === undefined || third === undefined)
    throw malformed(`a reply has at least 3 frames, this one ${frames.length}`);
  if (code === "ok") {
    if (frames.length === 3) throw malformed("a success has at least 4 frames (ZEP1 ok, codec, metadata, body)");
    return { code, codec: readCodec(second), metadata: readMetadata(third), body: frames.slice(3) };
  }
  if (!isErrorCode(code)) throw malformed(`${JSON.stringify(code)} is no reply code`);
  return { code, message: textFrom(second, "message"), details: parseJsonObject(third, "details") };
}

/** A reply as frames. The body's frames are passed on, not copied. */
export function writeReply(reply: ZepReply): Body {
  if (reply.code === "ok") return [OK, writeCodec(reply.codec), writeMetadata(reply.metadata), ...reply.body];
  return [Buffer.from(PREFIX + reply.code), Buffer.from(oneLine(reply.message)), writeDetails(reply.details)];
}

/** An error reply of a plain endpoint: one frame, so that a client that receives once stays in step. */
export function writePlainError(reply: Exclude<ZepReply, { code: "ok" }>): Body {
  const head = Buffer.from(`${PREFIX}${reply.code}\n${oneLine(reply.message)}\n`);
  return [Buffer.concat([head, writeDetails(reply.details)])];
}

/** The error in a plain endpoint's reply, or undefined if it is a payload: the code must be known and its line ended. */
export function parsePlainError(frames: Body): Exclude<ZepReply, { code: "ok" }> | undefined {
  const [frame] = frames;
  if (frame === undefined || frames.length !== 1 || !startsWith(frame, PREFIX)) return undefined;
  const codeEnd = frame.indexOf(0x0a);
  if (codeEnd < 0) return undefined;
  const code = latin1(frame.subarray(PREFIX.length, codeEnd));
  if (!isErrorCode(code)) return undefined;
  const messageEnd = frame.indexOf(0x0a, codeEnd + 1);
  if (messageEnd < 0) return undefined;
  try {
    const message = textFrom(frame.subarray(codeEnd + 1, messageEnd), "message");
    return { code, message, details: parseJsonObject(frame.subarray(messageEnd + 1), "details") };
  } catch {
    return undefined;
  }
}

/** Most frames in front of a body are those of the call before, and to compare them is far less than to read them. */
function remembered<Read>(read: (frame: Uint8Array) => Read): (frame: Uint8Array) => Read {
  let last: { readonly frame: Buffer; readonly found: Read } | undefined;
  return (frame) => {
    if (last?.frame.equals(frame)) return last.found;
    const found = read(frame);
    last = { frame: Buffer.from(frame), found };
    return found;
  };
}

const readHandler = remembered((frame) => parseName(frame, "handler"));
const readCodec = remembered((frame) => parseName(frame, "codec"));
const readMetadata = remembered((frame) => (frame.length === 0 ? NO_METADATA : Object.freeze(parseMetadata(frame))));

let lastCodec = { name: "", frame: EMPTY };

function writeCodec(name: string): Uint8Array {
  if (name !== lastCodec.name) lastCodec = { name, frame: Buffer.from(name) };
  return lastCodec.frame;
}

function verbOf(frame: Uint8Array): string {
  if (!startsWith(frame, PREFIX)) {
    const version = startsWith(frame, "ZEP") ? /^ZEP\d+(?= )/.exec(latin1(frame.subarray(0, 16)))?.[0] : undefined;
    if (version === undefined)
      throw malformed('the first frame is not "ZEP1 …"; this endpoint serves handlers by name');
    throw new ZmqEchoError("unimplemented", `version ${version} is not served here; ZEP1 is`);
  }
  return latin1(frame.subarray(PREFIX.length, PREFIX.length + 32));
}

function parseName(frame: Uint8Array, what: string): string {
  if (frame.length > MAX_NAME_BYTES)
    throw malformed(`the ${what}'s name has ${frame.length} bytes; ${MAX_NAME_BYTES} at most`);
  return textFrom(frame, `the ${what}'s name`);
}

function startsWith(frame: Uint8Array, prefix: string): boolean {
  return frame.length >= prefix.length && latin1(frame.subarray(0, prefix.length)) === prefix;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** A message is one line on the wire and in logs, and no longer than a person reads. */
export function oneLine(message: string): string {
  const lines = message.slice(0, 4096).split(/[\r\n\u2028\u2029]+/);
  return lines
    .map((line) => line.trim())
    .join(" ")
    .trim();
}
