/** The library's way to a client: any codec, by name, spec or as it is. */
import type { Codec, CodecSpec } from "../codecs/codec.ts";
import { createCodec } from "../codecs/registry.ts";
import { DEFAULTS } from "../config/defaults.ts";
import type { CodecDefinition } from "../handler.ts";
import { type Client, type ConnectionOptions, createClientWith } from "./client.ts";

export interface ClientOptions extends ConnectionOptions {
  /** How bodies are encoded: a name, a spec, or what `createCodec` made or `defineCodec` gave. Default `raw`. */
  readonly codec?: CodecSpec | CodecDefinition | Codec;
}

/**
 * Makes a client for any REP or ROUTER server; connects when first used.
 * Throws `invalid_argument` for an address, `unimplemented` for a codec, and `ConfigError` for a schema that can't be used.
 */
export function createClient(options: ClientOptions): Client {
  const { codec = DEFAULTS.codec, ...rest } = options;
  const made = isMade(codec)
    ? codec
    : createCodec(codec, { role: "client", ...(rest.limits !== undefined && { limits: rest.limits }) });
  return createClientWith(made, rest);
}

function isMade(codec: CodecSpec | CodecDefinition | Codec): codec is Codec {
  return typeof codec === "object" && "encodeBody" in codec;
}
