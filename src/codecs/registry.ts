/** From a codec's name, or its entry in the config, to the codec. */
import { BUILT_IN_CODECS, limitsWith } from "../config/defaults.ts";
import { ZmqEchoError } from "../errors.ts";
import type { CodecDefinition } from "../handler.ts";
import { suggestion } from "../wording.ts";
import { bindCodec, type WalkedCodec } from "./bind.ts";
import { createCborCodec } from "./cbor/cbor.ts";
import type { Codec, CodecLimits, CodecRole, CodecSpec, FrameCodec, PlainSpec, ProtobufSpec } from "./codec.ts";
import { createLightCodec } from "./light.ts";
import { createMsgpackCodec } from "./msgpack/msgpack.ts";
import { createProtobufCodec } from "./protobuf/protobuf.ts";

export interface CodecOptions {
  /** Which side of a call it serves; protobuf's directions differ by it. Default `client`. */
  readonly role?: CodecRole;
  /** Defaults: depth 128, 4 MiB. */
  readonly limits?: Partial<CodecLimits>;
  /** The name in errors and on the wire. Default: the type. */
  readonly name?: string;
  /** What relative `.proto` paths are relative to. Default: the working folder. */
  readonly folder?: string;
  /** What the `.proto` files hold, by absolute path, instead of what is on disk. */
  readonly texts?: ReadonlyMap<string, string>;
}

/**
 * Makes a codec: `createCodec("json")`, `createCodec({ type: "protobuf", proto: "order.proto", request: "shop.Order" })`, or
 * one of your own, `createCodec(defineCodec({ encode, decode }))`, which is called `custom` if it gets no name.
 * Synchronous; the package a codec needs is loaded here, not before.
 * Throws `unimplemented` for a type there is not, and a ConfigError for a schema that can't be used.
 */
export function createCodec(spec: CodecSpec | CodecDefinition, options: CodecOptions = {}): Codec {
  const limits = limitsWith(options.limits);
  if (isDefinition(spec)) return bindCodec(frameCodecFrom(options.name ?? "custom", spec), limits);
  const full = typeof spec === "string" ? { type: spec } : spec;
  const name = options.name ?? full.type;
  return createLightCodec(full, name, limits) ?? bindCodec(frameCodec(full, name, options), limits);
}

function isDefinition(spec: CodecSpec | CodecDefinition): spec is CodecDefinition {
  return typeof spec === "object" && "encode" in spec;
}

function frameCodec(spec: PlainSpec | ProtobufSpec, name: string, options: CodecOptions): WalkedCodec {
  switch (spec.type) {
    case "cbor":
      return createCborCodec(name);
    case "msgpack":
      return createMsgpackCodec(name);
    case "protobuf": {
      const { role = "client", folder = process.cwd() } = options;
      return createProtobufCodec(spec, { role, folder, name, texts: options.texts });
    }
    default: {
      const { type } = spec as { type: unknown };
      const text = `there is no codec of type ${JSON.stringify(type)}${suggestion(String(type), BUILT_IN_CODECS)}`;
      throw new ZmqEchoError("unimplemented", text);
    }
  }
}

/** Not a copy of its functions: they may be methods that need their object. */
function frameCodecFrom(name: string, definition: CodecDefinition): FrameCodec {
  return {
    name,
    encode: (value) => definition.encode(value),
    decode: (bytes) => definition.decode(bytes),
  };
}

/** The codecs of one endpoint, or of one client, by name. */
export interface CodecSet {
  /** The codec of that name, or undefined. Safe with a name from the wire. */
  get(name: string): Codec | undefined;
  /** Every name there is, the built-ins' too. */
  names(): readonly string[];
}

export interface CodecSetOptions {
  readonly role: CodecRole;
  readonly limits: CodecLimits;
  /** What relative `.proto` paths are relative to. */
  readonly folder: string;
}

/**
 * Brings together the built-ins, each made when first asked for; the config's named codecs, made at once so that an error
 * in a schema shows at start (ConfigError); and those of plugins. A named one wins over a plugin's, both over a built-in.
 */
export function createCodecSet(
  named: Readonly<Record<string, CodecSpec>>,
  custom: ReadonlyMap<string, CodecDefinition>,
  options: CodecSetOptions,
): CodecSet {
  const made = new Map<string, Codec>();
  for (const [name, spec] of [...custom, ...Object.entries(named)]) {
    made.set(name, createCodec(spec, { ...options, name }));
  }
  const builtIns = new Map(BUILT_IN_CODECS.map((name) => [name as string, name]));
  return {
    get(name) {
      const ready = made.get(name);
      if (ready !== undefined) return ready;
      const builtIn = builtIns.get(name);
      if (builtIn === undefined) return undefined;
      const codec = createCodec(builtIn, options);
      made.set(name, codec);
      return codec;
    },
    names: () => [...new Set([...builtIns.keys(), ...made.keys()])],
  };
}
