/** The codecs that need no package. A command that uses no other starts sooner without the rest. */
import { bindCodec } from "./bind.ts";
import type { Codec, CodecLimits, CodecSpec } from "./codec.ts";
import { createJsonCodec } from "./json.ts";
import { createRawCodec } from "./raw.ts";

/** raw or json; undefined for any other type. */
export function createLightCodec(spec: CodecSpec, name: string, limits: CodecLimits): Codec | undefined {
  const type = typeOf(spec);
  if (type === "raw") return createRawCodec(name, limits);
  return type === "json" ? bindCodec(createJsonCodec(name), limits) : undefined;
}

export function isLight(spec: CodecSpec): boolean {
  return ["raw", "json"].includes(typeOf(spec));
}

function typeOf(spec: CodecSpec): string {
  return typeof spec === "string" ? spec : spec.type;
}
