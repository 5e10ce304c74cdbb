/** Brings together what a configuration names (plugins, handlers, codecs) and finds what is missing. No setup runs. */
import { BUILT_IN_CODECS, NAME_PATTERN } from "./config/defaults.ts";
import type { Config, EndpointConfig } from "./config/effective.ts";
import { handlerMatcher } from "./config/handler-patterns.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { Path } from "./config/path.ts";
import { checkReferences } from "./config/references.ts";
import { createKeyringReader, type Keyring, type Keyrings } from "./curve/keyring.ts";
import { formatProblem, type Problem, textOf } from "./errors.ts";
import type { CodecDefinition, HandlerDefinition, HandlerFunction, Isolation } from "./handler.ts";
import { createCatalog } from "./loader/catalog.ts";
import { type CodecContents, createCodecCatalog, type FindCodec } from "./loader/codec-catalog.ts";
import type { PluginProblem } from "./loader/find.ts";
import { isolationOf } from "./loader/run-settings.ts";
import { checkCodec, outlineOfHandler, readHandler } from "./loader/shape.ts";
import type { HandlerSource } from "./loader/start-runner.ts";

/** Handlers and codecs beside those of the plugin folders; they win by name. */
export interface InCode {
  readonly handlers?: Readonly<Record<string, HandlerDefinition | HandlerFunction>>;
  readonly codecs?: Readonly<Record<string, CodecDefinition>>;
  /** Files of plugins, relative to the working folder, by the plugin's name. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Assembly {
  /** By the plugin's name. */
  readonly handlers: ReadonlyMap<string, HandlerSource>;
  /** Plugins that are there and do not load now; an earlier version may be among the handlers all the same. */
  readonly broken: readonly PluginProblem[];
  /** Of an endpoint, which has limits of its own. */
  codecsFor(endpoint: Pick<EndpointConfig, "limits">): FindCodec;
  /** As {@link CodecContents.names}. */
  readonly codecNames: CodecContents["names"];
  /** Of the configuration and of plugins, those that are others than in the assembly before. */
  readonly changedCodecs: readonly string[];
  /** Of endpoints that ask for keys. */
  readonly keyrings: ReadonlyMap<string, Keyring>;
  /** What it was made from, absolute: a change there may change it. */
  readonly files: ReadonlySet<string>;
  /** Where something may appear that belongs to it, absolute. */
  readonly folders: ReadonlySet<string>;
}

/** An assembly, and what is wrong with the configuration it was made for. */
export interface Survey {
  readonly assembly: Assembly;
  /** Names with nothing behind them, schemas with errors, and without `watch` the endpoints that name a plugin which does not load. */
  readonly problems: readonly Problem[];
  /** What is wrong and yet goes on as it was. */
  readonly setbacks: readonly Problem[];
  /** Says that the assembly is what is served from now on: the next survey compares with it. */
  commit(): void;
}

export interface Assembler {
  /** Looks at the disk; what has not changed since the last survey that was committed is not loaded again. */
  survey(loaded: LoadedConfig): Promise<Survey>;
  /** Looks at the keys alone. */
  readKeyrings(endpoints: Config["endpoints"]): Promise<Keyrings>;
}

export function createAssembler(inCode: InCode = {}): Assembler {
  const catalog = createCatalog();
  const codecCatalog = createCodecCatalog();
  const readKeyrings = createKeyringReader();
  const misshapen: Problem[] = [];
  const given = new Map<string, HandlerSource>();
  const givenCodecs = new Map<string, CodecDefinition>();
  takeEach("handler", inCode.handlers, misshapen, (name, handler) => {
    const definition = readHandler(handler);
    given.set(name, { outline: outlineOfHandler(definition), definition });
  });
  takeEach("codec", inCode.codecs, misshapen, (name, codec) => givenCodecs.set(name, checkCodec(codec)));

  async function survey(loaded: LoadedConfig): Promise<Survey> {
    const { config, folder } = loaded;
    const contents = await catalog.look({
      entries: config.plugins,
      folder,
      ...(inCode.files !== undefined && { files: inCode.files }),
      isolation: (plugin) => isolationOfPlugin(config, plugin),
    });
    const { plugins, problems: broken } = contents;
    const codecs = await codecCatalog.look({ named: config.codecs, plugins, inCode: givenCodecs, folder });

    const keys = await readKeyrings(config.endpoints);

    const handlers = new Map<string, HandlerSource>();
    for (const [name, plugin] of plugins) {
      const { outline, handler: definition } = plugin;
      if (outline.handler === undefined) continue;
      handlers.set(name, { outline: outline.handler, plugin, ...(definition !== undefined && { definition }) });
    }
    for (const [name, source] of given) handlers.set(name, source);

    // What is there and broken is told of as such, and not as missing too.
    const named = broken.map(({ name }) => name).filter((name) => NAME_PATTERN.test(name));
    const missing = checkReferences(config, {
      handlers: [...handlers.keys(), ...Object.keys(inCode.handlers ?? {}), ...named],
      codecs: [
        ...[...plugins].filter(([, { outline }]) => outline.codec).map(([name]) => name),
        ...Object.keys(inCode.codecs ?? {}),
        ...named,
      ],
    }).map(({ path, message }) => loaded.problem(path, message));
    const codecProblems = codecs.problems.map(({ codec, goesOn, problem }) => ({
      goesOn,
      problem: placed(loaded, codec, problem),
    }));
    const assembly: Assembly = {
      handlers,
      broken,
      codecsFor: ({ limits }) => codecs.under(limits),
      codecNames: codecs.names,
      changedCodecs: codecs.changed,
      keyrings: keys.byEndpoint,
      files: new Set([...contents.files, ...codecs.files, ...keys.files]),
      folders: new Set([...contents.folders, ...keys.folders]),
    };
    // Without `watch` nothing could mend a broken plugin, so an endpoint that names one is a mistake in the configuration.
    const dead = config.watch ? [] : endpointsOfBroken(loaded, assembly).map(({ problem }) => problem);
    return {
      assembly,
      problems: [
        ...misshapen,
        ...missing,
        ...walledInCode(loaded, given),
        ...codecProblems.filter(({ goesOn }) => !goesOn).map(({ problem }) => problem),
        ...keys.problems.map(({ path, message }) => loaded.problem(path, message)),
        ...dead,
      ],
      commit() {
        contents.commit();
        codecs.commit();
      },
      setbacks: [
        ...codecProblems.filter(({ goesOn }) => goesOn).map(({ problem }) => goingOn(problem)),
        ...keys.notices.map(({ path, message }) => loaded.problem(path, message)),
      ],
    };
  }

  return { survey, readKeyrings };
}

/** Takes over what code gives, name by name; a problem for each that is not what it should be. */
function takeEach<Given>(
  kind: string,
  given: Readonly<Record<string, Given>> = {},
  problems: Problem[],
  take: (name: string, value: Given) => void,
): void {
  for (const [name, value] of Object.entries(given)) {
    try {
      take(name, value);
    } catch (error) {
      problems.push({ message: `${kind} ${JSON.stringify(name)}, given in code: ${textOf(error)}` });
    }
  }
}

/** Where a plugin's code may run: in workers only, if the configuration wants that of each handler that is made from it. */
export function isolationOfPlugin({ handlers, endpoints }: Config, plugin: string): Isolation {
  const matchers = Object.values(endpoints).map(matcherOf);
  const uses = [plugin, ...Object.keys(handlers)].filter((name) => (handlers[name]?.plugin ?? name) === plugin);
  const served = uses.filter((name) => matchers.some((serves) => serves(name)));
  const wanted = (served.length > 0 ? served : uses).map((name) => handlers[name]?.isolation ?? "inline");
  const walls = new Set(served.length > 0 ? wanted : wanted.filter((isolation) => isolation !== "inline"));
  if (walls.size === 0 || walls.has("inline")) return "inline";
  return walls.has("process") ? "process" : "thread";
}

/** Whether an endpoint serves a handler's name. */
export function matcherOf({ handler, handlers }: EndpointConfig): (name: string) => boolean {
  return handlerMatcher(handlers ?? [handler]);
}

/** Functions can't be handed to a worker; what they were made from is not known. */
function walledInCode(loaded: LoadedConfig, given: ReadonlyMap<string, HandlerSource>): Problem[] {
  const { handlers } = loaded.config;
  return [...new Set([...given.keys(), ...Object.keys(handlers)])].flatMap((name) => {
    const own = handlers[name];
    const source = given.get(own?.plugin ?? name);
    const isolation = source === undefined ? "inline" : isolationOf(source.outline, own);
    if (isolation === "inline") return [];
    const message = `handler ${JSON.stringify(name)} is given in code, so it can't run in a ${isolation}; put it into a file`;
    return [own?.isolation === undefined ? { message } : loaded.problem(["handlers", name, "isolation"], message)];
  });
}

/** An endpoint that names a plugin of which no version loads, as its handler or as its codec. */
export interface BrokenEndpoint {
  readonly plugin: string;
  readonly problem: Problem;
}

export function endpointsOfBroken(
  loaded: LoadedConfig,
  { broken, handlers: works, codecsFor }: Assembly,
): BrokenEndpoint[] {
  const { codecs, handlers, endpoints } = loaded.config;
  const found: BrokenEndpoint[] = [];
  for (const [name, endpoint] of Object.entries(endpoints)) {
    const { handler, handlers: names, codec } = endpoint;
    for (const { name: plugin, message, ...place } of broken) {
      const add = (...path: Path) => {
        const why = `its plugin does not load: ${formatProblem({ ...place, message })}`;
        found.push({ plugin, problem: loaded.problem(["endpoints", name, ...path], why) });
      };
      const isBroken = (served: string) => (handlers[served]?.plugin ?? served) === plugin && !works.has(plugin);
      if (handler !== undefined && isBroken(handler)) add("handler");
      for (const [index, served] of (names ?? []).entries()) if (isBroken(served)) add("handlers", index);
      // A codec of the configuration comes before a plugin's, and a built-in one stands in for it.
      const isNamed =
        codec === plugin && !Object.hasOwn(codecs, codec) && !BUILT_IN_CODECS.some((known) => known === codec);
      if (isNamed && codecsFor(endpoint)(codec) === undefined) add("codec");
    }
  }
  return found;
}

function goingOn({ message, ...place }: Problem): Problem {
  return { ...place, message: `${message}; the codec goes on as it was` };
}

/** A mistake in a .proto file has its place there; one in what names it has it in the configuration. */
function placed(loaded: LoadedConfig, codec: string, problem: Problem): Problem {
  if (problem.line !== undefined) return problem;
  const path = ["codecs", codec, ...(problem.file === undefined ? [] : ["proto"])];
  return loaded.problem(path, formatProblem(problem));
}
