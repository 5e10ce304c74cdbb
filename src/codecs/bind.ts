/** Binds what a codec file implements (one frame, no limits) to its limits, and its failures to our errors. */
import { textOf, ZmqEchoError } from "../errors.ts";
import { firstLine, shorten } from "../wording.ts";
import type { Body, Codec, CodecLimits, FrameCodec } from "./codec.ts";
import { type Conversions, normalize, type WalkRules } from "./values.ts";

/** What a screen found: bytes that are safe for the decoder, and how many values they hold, if it counted. */
export interface Screened {
  readonly bytes: Uint8Array;
  /** Arrays, objects and everything in them. What decodes to fewer had the same key twice. */
  readonly items?: number;
}

/** A codec file's side of {@link bindCodec}: what to convert, and what to look at before decoding. */
export interface WalkedCodec extends FrameCodec {
  readonly conversions?: { readonly encode?: Conversions; readonly decode?: Conversions };
  /** Reads a stranger's bytes before `decode` does; throws for what that would misread, or choke on. */
  screen?(bytes: Uint8Array, limits: CodecLimits): Screened;
}

/**
 * A codec with its limits. Everything but raw goes through here, a plugin's codec too: one frame in and out, at most
 * `maxMessageBytes` (`resource_exhausted`), values of the model on both sides, and whatever the codec throws as
 * `invalid_argument` with codec and direction, the original as its cause.
 */
export function bindCodec(codec: WalkedCodec, limits: CodecLimits): Codec {
  const { name } = codec;
  const shared = { codec: name, maxDepth: limits.maxDepth, maxNodes: limits.maxMessageBytes };
  const encodeRules: WalkRules = { ...codec.conversions?.encode, ...shared, direction: "encode" };
  const decodeRules: WalkRules = { ...codec.conversions?.decode, ...shared, direction: "decode" };

  const encode = (value: unknown): Uint8Array => {
    try {
      const bytes: unknown = codec.encode(normalize(value, encodeRules));
      if (!(bytes instanceof Uint8Array)) throw new TypeError("its encode returned no Uint8Array");
      expectSize(bytes.length, name, "encode", limits);
      return bytes;
    } catch (error) {
      throw asCodecError(error, name, "encode");
    }
  };

  const decode = (bytes: Uint8Array) => {
    try {
      expectSize(bytes.length, name, "decode", limits);
      if (codec.screen === undefined) return normalize(codec.decode(bytes), decodeRules);
      const screened = codec.screen(bytes, limits);
      return normalize(codec.decode(screened.bytes), decodeRules, screened.items);
    } catch (error) {
      throw asCodecError(error, name, "decode");
    }
  };

  return {
    name,
    ...(codec.texts !== undefined && { texts: codec.texts }),
    ...(codec.messages !== undefined && { messages: codec.messages }),
    ...(codec.conversions?.encode?.bigintsAsText && { writesBigintsAsText: true }),
    encode,
    decode,
    encodeBody: (value) => [encode(value)],
    decodeBody: (body) => decode(onlyFrame(body, name)),
    fromJson: (json) => {
      try {
        return codec.fromJson === undefined ? json : codec.fromJson(json);
      } catch (error) {
        throw asCodecError(error, name, "encode");
      }
    },
  };
}

/** Throws `resource_exhausted` for a body over `maxMessageBytes`. */
export function expectSize(length: number, name: string, direction: "encode" | "decode", limits: CodecLimits): void {
  if (length <= limits.maxMessageBytes) return;
  const text = `${name} can't ${direction} ${length} bytes; ${limits.maxMessageBytes} at most`;
  throw new ZmqEchoError("resource_exhausted", text);
}

function onlyFrame(body: Body, name: string): Uint8Array {
  const [frame] = body;
  if (frame === undefined || body.length !== 1) {
    throw new ZmqEchoError("invalid_argument", `${name} takes one frame, got ${body.length}`);
  }
  return frame;
}

/** Errors of ours say enough already; a library's text is cut to one short line, for it may quote the message. */
function asCodecError(error: unknown, name: string, direction: "encode" | "decode"): ZmqEchoError {
  if (ZmqEchoError.is(error)) return error;
  const text = shorten(firstLine(textOf(error)), 160);
  return new ZmqEchoError("invalid_argument", `${name} can't ${direction} this: ${text}`, { cause: error });
}
