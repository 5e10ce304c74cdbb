/** The codecs that ZEP/1 messages name, for whoever reads along. */
import type { Codec } from "../codecs/codec.ts";
import { BUILT_IN_CODECS } from "../config/defaults.ts";

/** Each made when it is first met; undefined for a name that no built-in codec has. */
export async function builtInCodecs(): Promise<(name: string) => Codec | undefined> {
  const { createCodec } = await import("../codecs/registry.ts");
  const made = new Map<string, Codec>();
  return (wanted) => {
    const name = BUILT_IN_CODECS.find((builtIn) => builtIn === wanted);
    if (name !== undefined && !made.has(name)) made.set(name, createCodec(name));
    return made.get(wanted);
  };
}
