/** The library's way to a client: any codec, by name, spec or as it is. */
import type { Codec, CodecSpec } from "../codecs/codec.ts";
import { createCodec } from "../codecs/registry.ts";
import { DEFAULTS } from "../config/defaults.ts";
import type { CodecDefinition } from "../handler.ts";
import {
  type AnyHandlers,
  type Client,
  type ConnectionOptions,
  createClientWith,
  type HandlerTypes,
} from "./client.ts";
import { type CurveOptions, curveKeysFrom } from "./curve.ts";

export interface ClientOptions extends Omit<ConnectionOptions, "curve"> {
  /** How bodies are encoded: a name, a spec, or what `createCodec` made or `defineCodec` gave. Default `raw`. */
  readonly codec?: CodecSpec | CodecDefinition | Codec;
  /** For servers that ask for CURVE keys: encrypted both ways, and talked to only if theirs is the key given. */
  readonly curve?: CurveOptions;
}

/**
 * Makes a client for any REP or ROUTER server; connects when first used. `createClient<{ vat: TypesOf<typeof vat> }>(…)` knows
 * what `vat` takes and gives.
 * Throws `invalid_argument` for an address or a key, `unimplemented` for a codec, and `ConfigError` for a schema that can't be used.
 */
export function createClient<Handlers extends HandlerTypes<Handlers> = AnyHandlers>(
  options: ClientOptions,
): Client<Handlers> {
  const { codec = DEFAULTS.codec, curve, ...rest } = options;
  const made = isMade(codec)
    ? codec
    : createCodec(codec, { role: "client", ...(rest.limits !== undefined && { limits: rest.limits }) });
  return createClientWith(made, {
    ...rest,
    ...(curve !== undefined && { curve: curveKeysFrom(curve) }),
  }) as Client<Handlers>;
}

function isMade(codec: CodecSpec | CodecDefinition | Codec): codec is Codec {
  return typeof codec === "object" && "encodeBody" in codec;
}
