/** Brings together what a configuration names (plugins, handlers, codecs) and finds what is missing. Nothing runs yet. */
import { type CodecSet, createCodecSet } from "./codecs/registry.ts";
import type { EndpointConfig } from "./config/effective.ts";
import type { LoadedConfig } from "./config/load.ts";
import { checkReferences } from "./config/references.ts";
import { ConfigError, type Problem } from "./errors.ts";
import type { CodecDefinition, HandlerDefinition, HandlerFunction } from "./handler.ts";
import { findPlugins, type PluginProblem } from "./loader/find.ts";
import { hostApi } from "./loader/host-api.ts";
import { loadPlugins } from "./loader/load.ts";

/** Handlers and codecs in code, beside those of the plugin folders; they win by name. */
export interface InCode {
  readonly handlers?: Readonly<Record<string, HandlerDefinition | HandlerFunction>>;
  readonly codecs?: Readonly<Record<string, CodecDefinition>>;
}

export interface Assembly {
  readonly handlers: ReadonlyMap<string, HandlerDefinition>;
  /** Plugins that are there and do not load. */
  readonly broken: readonly PluginProblem[];
  /** The codecs of an endpoint, which has limits of its own. */
  codecsFor(endpoint: EndpointConfig): CodecSet;
}

/**
 * Finds and loads the plugins, and checks that every name in the configuration has something behind it.
 * Throws `ConfigError` with all names that have not, and with errors in schemas.
 */
export async function assemble(loaded: LoadedConfig, inCode: InCode = {}): Promise<Assembly> {
  const { config, folder } = loaded;
  const found = await findPlugins(config.plugins, { folder });
  const { plugins, problems } = await loadPlugins(found.plugins.values(), { api: hostApi });
  const broken = [...found.problems, ...problems];

  const handlers = new Map<string, HandlerDefinition>();
  const codecs = new Map<string, CodecDefinition>();
  for (const { name, handler, codec } of plugins.values()) {
    if (handler !== undefined) handlers.set(name, handler);
    if (codec !== undefined) codecs.set(name, codec);
  }
  for (const [name, handler] of Object.entries(inCode.handlers ?? {})) {
    handlers.set(name, typeof handler === "function" ? { handle: handler } : handler);
  }
  for (const [name, codec] of Object.entries(inCode.codecs ?? {})) codecs.set(name, codec);

  const named = broken.map(({ name }) => name);
  const missing = checkReferences(loaded, {
    handlers: [...handlers.keys(), ...named],
    codecs: [...codecs.keys(), ...named],
  });
  const unusable = Object.entries(config.codecs).flatMap(([name, spec]): Problem[] => {
    try {
      createCodecSet({ [name]: spec }, new Map(), { role: "server", limits: config.limits, folder });
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return [...error.problems];
    }
  });
  if (missing.length + unusable.length > 0) throw new ConfigError([...missing, ...unusable]);

  return {
    handlers,
    broken,
    codecsFor: ({ limits }) => createCodecSet(config.codecs, codecs, { role: "server", limits, folder }),
  };
}
