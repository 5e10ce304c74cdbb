/**
 * The protobuf codec: types from .proto files, read at run time. protobufjs parses the files and reads and writes the
 * scalars; which value fits which type is decided here, so that nothing is coerced on the way.
 */
import { resolve } from "node:path";
import { ConfigError, ZmqEchoError } from "../../errors.ts";
import { nearestName } from "../../wording.ts";
import type { CodecRole, FrameCodec, ProtobufSpec } from "../codec.ts";
import { planMessage } from "./compile.ts";
import { Fault, quote } from "./fault.ts";
import { protoText } from "./proto-text.ts";
import { readMessage } from "./read.ts";
import { loadProtobufjs, loadSchema, type ProtoTexts, type Schema } from "./schema.ts";
import { writeMessage } from "./write.ts";

/** How many types an error message lists. */
const LISTED = 20;

export interface ProtobufOptions {
  /** A server decodes `request` and encodes `response`, a client the other way round. */
  readonly role: CodecRole;
  /** What relative paths of .proto files and include folders are relative to. */
  readonly folder: string;
  /** The codec's name, as it stands in error messages. */
  readonly name: string;
  /** What the .proto files hold, instead of what is on disk. */
  readonly texts?: ProtoTexts | undefined;
}

export interface ProtobufCodec extends FrameCodec {
  /** The .proto files that the types came from: a change in one of them changes the codec. */
  readonly texts: ProtoTexts;
  /** What {@link FrameCodec.encode} takes, from ProtoJSON, for the type that this role encodes. */
  fromJson(json: unknown): unknown;
}

/**
 * A codec for two message types of a schema, or for google.protobuf.Value if none is given.
 * Throws a {@link ConfigError} for a schema that can't be read, or a type that it does not have.
 * What the codec's functions throw is `invalid_argument`, with the path of the value.
 */
export function createProtobufCodec(spec: ProtobufSpec, { role, folder, name, texts }: ProtobufOptions): ProtobufCodec {
  const { Reader, Writer } = loadProtobufjs();
  /** Of fields that are not known, a varint may be as long as any other, ten bytes, and not endless. */
  class CheckedReader extends Reader {
    override skip(length?: number): this {
      if (length === undefined) this.uint64();
      else super.skip(length);
      return this;
    }
  }
  const files = typeof spec.proto === "string" ? [spec.proto] : (spec.proto ?? []);
  if (spec.proto !== undefined && files.length === 0)
    throw refuse(name, `"proto" is an empty list; name a .proto file`);
  const absolute = (path: string) => resolve(folder, path);
  const schema = loadSchema(files.map(absolute), (spec.include ?? []).map(absolute), texts);

  const planned = new Map();
  const requestType = chooseType(spec, "request", schema, name);
  const responseType = spec.response === undefined ? requestType : chooseType(spec, "response", schema, name);
  const request = planMessage(requestType, planned);
  const response = planMessage(responseType, planned);
  const decoded = role === "server" ? request : response;
  const encoded = role === "server" ? response : request;

  return {
    name,
    texts: schema.texts,
    ...(spec.proto !== undefined && {
      messages: {
        request: request.name,
        response: response.name,
        proto: () => protoText([requestType, responseType]),
      },
    }),
    encode(value) {
      const writer = Writer.create();
      try {
        writeMessage(encoded.plan, writer, value, 0);
      } catch (error) {
        throw asCodecError(error, name, "encode");
      }
      return writer.finish();
    },
    decode(bytes) {
      try {
        return readMessage(decoded.plan, new CheckedReader(bytes), 0);
      } catch (error) {
        throw asCodecError(error, name, "decode");
      }
    },
    fromJson(json) {
      try {
        return encoded.fromJson(json, 0);
      } catch (error) {
        throw asCodecError(error, name, "encode");
      }
    },
  };
}

/** The type of a role by its full name; without a schema both are google.protobuf.Value. */
function chooseType(spec: ProtobufSpec, role: "request" | "response", { types }: Schema, codec: string) {
  const wanted = spec[role] ?? (spec.proto === undefined ? "google.protobuf.Value" : undefined);
  if (spec.proto === undefined && spec[role] !== undefined) {
    throw refuse(codec, `"${role}" needs "proto": name the .proto file that has ${quote(spec[role])}`);
  }
  const own = [...types.keys()].filter((name) => !name.startsWith("google.protobuf."));
  const list = own.slice(0, LISTED).join(", ") + (own.length > LISTED ? `, and ${own.length - LISTED} more` : "");
  const there = own.length === 0 ? "the schema has no message types" : `there are ${list}`;
  if (wanted === undefined) throw refuse(codec, `"${role}" is missing: give the full name of a message type; ${there}`);
  const type = types.get(wanted);
  if (type !== undefined) return type;
  const near = own.find((name) => name.endsWith(`.${wanted}`)) ?? nearestName(wanted, own);
  const hint = near === undefined ? "" : `did you mean ${quote(near)}? `;
  throw refuse(codec, `"${role}": there is no message type ${quote(wanted)}; ${hint}${there}`);
}

function refuse(codec: string, message: string): ConfigError {
  return new ConfigError([{ message: `codec "${codec}": ${message}` }]);
}

/** What does not fit, with codec, direction and path; anything else is a bug and stays what it is. */
function asCodecError(error: unknown, name: string, direction: "encode" | "decode"): unknown {
  if (!(error instanceof Fault)) return error;
  const path = error.path.length > 200 ? `${error.path.slice(0, 200)}…` : error.path;
  return new ZmqEchoError("invalid_argument", `${name} can't ${direction} $${path}: ${error.message}`);
}
