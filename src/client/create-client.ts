/** The library's way to a client: any codec, by name, spec or as it is. */
import { createCodec } from "../codecs/registry.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { type Client, type ClientOptions, createClientWith } from "./client.ts";

/**
 * Makes a client for any REP or ROUTER server; connects when first used.
 * Throws `invalid_argument` for an address, `unimplemented` for a codec, and `ConfigError` for a schema that can't be used.
 */
export function createClient(options: ClientOptions): Client {
  const { codec = DEFAULTS.codec, ...rest } = options;
  const made =
    typeof codec === "object" && "encodeBody" in codec
      ? codec
      : createCodec(codec, { role: "client", ...(rest.limits !== undefined && { limits: rest.limits }) });
  return createClientWith(made, rest);
}
