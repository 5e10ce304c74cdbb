/** `--codec`, `--proto`, `--type` and `--response-type`, the same for every command that has a body. */
import { resolve } from "node:path";
import { BUILT_IN_CODECS } from "../config/defaults.ts";
import { usageError } from "./failure.ts";

export interface CodecFlags {
  readonly codec?: string;
  readonly proto?: string;
  readonly type?: string;
  readonly responseType?: string;
}

/** A codec with the name it has on the wire. */
export interface NamedCodec {
  readonly name: string;
  readonly spec:
    | (typeof BUILT_IN_CODECS)[number]
    | { type: "protobuf"; proto: string[]; request: string; response?: string };
}

/** The codec that the flags alone describe; undefined if they name one of the configuration, or none. */
export function codecFromFlags(flags: CodecFlags): NamedCodec | undefined {
  const { codec, proto, type, responseType } = flags;
  if (proto !== undefined) {
    if (type === undefined)
      throw usageError("--proto wants --type: the full name of the message type, such as shop.Order");
    if (codec !== "protobuf" && BUILT_IN_CODECS.some((name) => name === codec)) {
      throw usageError(`--proto goes with --codec protobuf, or a name of your own, and not with ${codec}`);
    }
    const response = responseType === undefined ? {} : { response: responseType };
    // A built-in's name is taken; on a plain endpoint no name travels anyway.
    const name = codec === undefined || codec === "protobuf" ? type : codec;
    return {
      name,
      spec: { type: "protobuf", proto: [resolve(proto)], request: type, ...response },
    };
  }
  if (type !== undefined || responseType !== undefined) throw usageError("--type and --response-type go with --proto");
  const spec = BUILT_IN_CODECS.find((name) => name === codec);
  return spec === undefined ? undefined : { name: spec, spec };
}
