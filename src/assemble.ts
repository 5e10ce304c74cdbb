/** Brings together what a configuration names (plugins, handlers, codecs) and finds what is missing. Nothing runs yet. */
import { type CodecSet, createCodecSet } from "./codecs/registry.ts";
import { BUILT_IN_CODECS, NAME_PATTERN } from "./config/defaults.ts";
import type { EndpointConfig } from "./config/effective.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { Path } from "./config/path.ts";
import { checkReferences } from "./config/references.ts";
import { ConfigError, formatProblem, type Problem, textOf } from "./errors.ts";
import type { CodecDefinition, HandlerDefinition, HandlerFunction } from "./handler.ts";
import { findPlugins, type PluginProblem } from "./loader/find.ts";
import { loadPlugins } from "./loader/load.ts";
import { checkCodec, readHandler } from "./loader/shape.ts";

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
 * Throws `ConfigError` with all names that have not, with errors in schemas and, without `watch`, with the endpoints that
 * name a plugin which does not load.
 */
export async function assemble(loaded: LoadedConfig, inCode: InCode = {}): Promise<Assembly> {
  const { assembly, problems } = await survey(loaded, inCode);
  if (problems.length > 0) throw new ConfigError(problems);
  return assembly;
}

/** What {@link assemble} would give, beside what it would throw. */
export interface Survey {
  readonly assembly: Assembly;
  readonly problems: readonly Problem[];
}

export async function survey(loaded: LoadedConfig, inCode: InCode = {}): Promise<Survey> {
  const { config, folder } = loaded;
  const found = await findPlugins(config.plugins, { folder });
  const { plugins, problems } = await loadPlugins(found.plugins.values());
  const broken = [...found.problems, ...problems];

  const handlers = new Map<string, HandlerDefinition>();
  const codecs = new Map<string, CodecDefinition>();
  for (const { name, handler, codec } of plugins.values()) {
    if (handler !== undefined) handlers.set(name, handler);
    if (codec !== undefined) codecs.set(name, codec);
  }
  const misshapen = [
    ...takeEach("handler", inCode.handlers, (name, handler) => handlers.set(name, readHandler(handler))),
    ...takeEach("codec", inCode.codecs, (name, codec) => codecs.set(name, checkCodec(codec))),
  ];

  // What is there and broken is told of as such, and not as missing too.
  const named = broken.map(({ name }) => name).filter((name) => NAME_PATTERN.test(name));
  const missing = checkReferences(loaded, {
    handlers: [...handlers.keys(), ...Object.keys(inCode.handlers ?? {}), ...named],
    codecs: [...codecs.keys(), ...Object.keys(inCode.codecs ?? {}), ...named],
  });
  const unusable = Object.entries(config.codecs).flatMap(([name, spec]): Problem[] => {
    try {
      createCodecSet({ [name]: spec }, new Map(), { role: "server", limits: config.limits, folder });
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map((problem) => placed(loaded, name, problem));
    }
  });
  // Without `watch` nothing could mend a broken plugin, so an endpoint that names one is a mistake in the configuration.
  const dead = config.watch ? [] : endpointsOfBroken(loaded, broken).map(({ problem }) => problem);
  return {
    assembly: {
      handlers,
      broken,
      codecsFor: ({ limits }) => createCodecSet(config.codecs, codecs, { role: "server", limits, folder }),
    },
    problems: [...misshapen, ...missing, ...unusable, ...dead],
  };
}

/** Takes over what code gives, name by name; a problem for each that is not what it should be. */
function takeEach<Given>(
  kind: string,
  given: Readonly<Record<string, Given>> = {},
  take: (name: string, value: Given) => void,
): Problem[] {
  return Object.entries(given).flatMap(([name, value]): Problem[] => {
    try {
      take(name, value);
      return [];
    } catch (error) {
      return [{ message: `${kind} ${JSON.stringify(name)}, given in code: ${textOf(error)}` }];
    }
  });
}

/** An endpoint that names a plugin which does not load, as its handler or as its codec. */
export interface BrokenEndpoint {
  readonly plugin: string;
  readonly problem: Problem;
}

export function endpointsOfBroken(loaded: LoadedConfig, broken: readonly PluginProblem[]): BrokenEndpoint[] {
  const { codecs, handlers, endpoints } = loaded.config;
  const found: BrokenEndpoint[] = [];
  for (const [endpoint, { handler, handlers: names, codec }] of Object.entries(endpoints)) {
    for (const { name: plugin, message, ...place } of broken) {
      const add = (...path: Path) => {
        const why = `its plugin does not load: ${formatProblem({ ...place, message })}`;
        found.push({ plugin, problem: loaded.problem(["endpoints", endpoint, ...path], why) });
      };
      const isBroken = (name: string) => (handlers[name]?.plugin ?? name) === plugin;
      if (handler !== undefined && isBroken(handler)) add("handler");
      for (const [index, name] of (names ?? []).entries()) if (isBroken(name)) add("handlers", index);
      // A codec of the configuration comes before a plugin's, and a built-in one stands in for it.
      if (codec === plugin && !Object.hasOwn(codecs, codec) && !BUILT_IN_CODECS.some((name) => name === codec))
        add("codec");
    }
  }
  return found;
}

/** A mistake in a .proto file has its place there; one in what names it has it in the configuration. */
function placed(loaded: LoadedConfig, codec: string, problem: Problem): Problem {
  if (problem.line !== undefined) return problem;
  const path = ["codecs", codec, ...(problem.file === undefined ? [] : ["proto"])];
  return loaded.problem(path, formatProblem(problem));
}
