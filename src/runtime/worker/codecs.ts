/** The codecs of a worker, made from what the host says of them. */
import type { Codec } from "../../codecs/codec.ts";
import { createLightCodec } from "../../codecs/light.ts";
import { textOf } from "../../errors.ts";
import { evaluate } from "../../loader/evaluate.ts";
import { type PluginShape, readShape } from "../../loader/shape.ts";
import type { CallMessage } from "../link/messages.ts";
import type { CodecRecipe, PluginRecipe } from "../recipe.ts";

/** The plugin that runs here, whose codec shares its modules. */
export interface PluginHere {
  readonly hash: string;
  readonly shape: PluginShape;
  readonly api: () => Promise<object>;
}

/** Gives the codec of a call. Each is kept until a call brings another recipe for the same endpoint and name. */
export function createWorkerCodecs(own: PluginHere): (call: CallMessage) => Codec | Promise<Codec> {
  const kept = new Map<string, { readonly recipe: CodecRecipe; codec?: Codec }>();
  return ({ endpoint, codec: name, recipe }) => {
    const key = `${endpoint}\n${name}`;
    if (recipe !== undefined) kept.set(key, { recipe });
    const entry = kept.get(key);
    if (entry === undefined) throw new Error(`nothing is known of codec ${JSON.stringify(name)} here`);
    if (entry.codec !== undefined) return entry.codec;
    return make(entry.recipe, own).then((codec) => {
      entry.codec = codec;
      return codec;
    });
  };
}

async function make(recipe: CodecRecipe, own: PluginHere): Promise<Codec> {
  const { name, limits } = recipe;
  try {
    if ("spec" in recipe) {
      const light = createLightCodec(recipe.spec, name, limits);
      if (light !== undefined) return light;
      const { spec, folder, texts } = recipe;
      return (await import("../../codecs/registry.ts")).createCodec(spec, {
        role: "server",
        name,
        limits,
        folder,
        ...(texts !== undefined && { texts }),
      });
    }
    const definition = await definitionFrom(recipe, own);
    return (await import("../../codecs/registry.ts")).createCodec(definition, { role: "server", name, limits });
  } catch (error) {
    // Not the caller's fault, whatever the error says; the host made the same codec, or knows its plugin.
    throw new Error(`codec ${JSON.stringify(name)} can't be made in this worker: ${textOf(error)}`, { cause: error });
  }
}

async function definitionFrom({ plugin, bundle }: PluginRecipe, own: PluginHere) {
  const { codec } = bundle.hash === own.hash ? own.shape : await evaluate(plugin, bundle, { api: own.api }, readShape);
  if (codec === undefined) throw new Error(`plugin ${plugin.name} exports no codec`);
  return codec;
}
