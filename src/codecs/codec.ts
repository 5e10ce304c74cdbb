/** What a codec is, to the rest of the house. */
import type { CodecDefinition, Value } from "../handler.ts";

/** A message's payload as its frames. Most codecs take exactly one. */
export type Body = readonly Uint8Array[];

/** Which side of a call a codec serves: a server decodes requests and encodes responses, a client the other way round. */
export type CodecRole = "client" | "server";

/** Bounds on values and on their bytes, for both directions. */
export interface CodecLimits {
  /** How deep arrays and objects may nest. Default 128. */
  readonly maxDepth: number;
  /** Bytes of one body, all frames together. Default 4 MiB. */
  readonly maxMessageBytes: number;
  /** Frames of one body that is encoded; only raw has more than one. Default: as many as there are. */
  readonly maxFrames?: number;
}

/**
 * A codec bound to its limits and role: values of the model in, frames out, and back.
 * Errors are `ZmqEchoError`: decoding says `invalid_argument` (malformed, too deep) or `resource_exhausted` (too large);
 * encoding says `invalid_argument` too, with codec, direction and the path of the value; who encodes decides whose fault it is.
 */
export interface Codec {
  readonly name: string;
  /** Set if what `encodeBody` gives may be the very bytes it was given. */
  readonly passesBytesOn?: true;
  /** The files it was made from, such as `.proto` files: their text by absolute path. A change in one changes the codec. */
  readonly texts?: ReadonlyMap<string, string>;
  /** The message types of a schema of its own. */
  readonly messages?: MessageTypes;
  /** Set if a bigint is carried as decimal text, and read back as that. */
  readonly writesBigintsAsText?: true;
  /** One value as one frame. Raw refuses an array of several. */
  encode(value: unknown): Uint8Array;
  /** One frame as one value. */
  decode(bytes: Uint8Array): Value;
  /** One value as the frames of a body; raw alone makes more than one. */
  encodeBody(value: unknown): Body;
  /** The frames of a body as one value. */
  decodeBody(body: Body): Value;
  /** A value of the model from JSON as people write it (protobuf: the ProtoJSON rules); the other codecs take it as it is. */
  fromJson(json: unknown): unknown;
}

/** What two messages, that of a request and that of its reply, are made of. */
export interface MessageTypes {
  /** Full names. */
  readonly request: string;
  readonly response: string;
  /** Both types and all they refer to, as a .proto file has them. */
  proto(): string;
}

/** What each codec file implements: one frame, no limits. {@link bindCodec} adds the rest. */
export interface FrameCodec extends CodecDefinition {
  readonly name: string;
  readonly texts?: ReadonlyMap<string, string>;
  readonly messages?: MessageTypes;
  fromJson?(json: unknown): unknown;
}

/** A codec of this package that has nothing to set. */
export interface PlainSpec {
  readonly type: "raw" | "json" | "cbor" | "msgpack";
}

/** Protocol Buffers by a schema. Without `proto` the type is `google.protobuf.Value`, for both directions. */
export interface ProtobufSpec {
  readonly type: "protobuf";
  /** `.proto` files. */
  readonly proto?: string | readonly string[];
  /** Folders in which imports are looked for, after the importing file's own. */
  readonly include?: readonly string[];
  /** The full name of the message type of requests, such as `shop.Order`. */
  readonly request?: string;
  /** That of replies. Default: `request`. */
  readonly response?: string;
}

/** What a codec is made from: an entry under `codecs` in the config, or just a built-in's name. */
export type CodecSpec = PlainSpec["type"] | ProtobufSpec["type"] | PlainSpec | ProtobufSpec;
