/** How to make a codec again where only data can be handed over: in a worker. */
import type { Codec, CodecLimits, CodecSpec } from "../codecs/codec.ts";
import { isLight } from "../codecs/light.ts";
import type { Bundle } from "../loader/bundle.ts";
import type { PluginFile } from "../loader/find.ts";

/** A codec of the configuration or a built-in one, or a plugin's. Always for the server's side. */
export type CodecRecipe = SpecRecipe | PluginRecipe;

export interface SpecRecipe {
  readonly name: string;
  readonly spec: CodecSpec;
  /** What relative `.proto` paths are relative to. */
  readonly folder: string;
  /** What the `.proto` files held when the host read them: a worker that starts later must not read others. */
  readonly texts?: ReadonlyMap<string, string>;
  readonly limits: CodecLimits;
}

export interface PluginRecipe {
  readonly name: string;
  readonly plugin: PluginFile;
  readonly bundle: Bundle;
  readonly limits: CodecLimits;
}

/** Whether a worker has to load modules to make the codec. */
export function isHeavy(recipe: CodecRecipe): boolean {
  return !("spec" in recipe && isLight(recipe.spec));
}

/** A codec as an endpoint serves it. */
export interface ServedCodec {
  /** Absent if it may run in workers only. */
  readonly codec?: Codec;
  /** Absent if it exists in this thread only. */
  readonly recipe?: CodecRecipe;
}
