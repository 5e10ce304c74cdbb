/** What is told of handlers: `list` and `describe`, of a host that runs and of a configuration that is only looked at. */
import type { Assembly } from "./assemble.ts";
import type { Config, EndpointConfig, HandlerConfig } from "./config/effective.ts";
import { ZmqEchoError } from "./errors.ts";
import type { Isolation } from "./handler.ts";
import { type JsonSchemas, jsonSchemasOf, MAX_SCHEMA_BYTES } from "./loader/json-schema.ts";
import type { HandlerRegistry } from "./loader/registry.ts";
import { concurrencyOf, isolationOf, poolOf, timeoutOf } from "./loader/run-settings.ts";
import type { HandlerSlot } from "./loader/slot.ts";
import type { HandlerSource } from "./loader/start-runner.ts";
import { type Counted, statsOf } from "./stats.ts";
import type { Introspection } from "./transports/zmq/framing.ts";
import type { HandlerDescription, HandlerList, HandlerSummary, ProtobufDescription } from "./wire/introspection.ts";

/** What is known of one handler. */
export interface HandlerFacts {
  readonly name: string;
  readonly state: HandlerSummary["state"];
  /** Absent if nothing of it loads. */
  readonly source?: HandlerSource | undefined;
  /** `handlers.NAME` of the config. */
  readonly settings: Partial<HandlerConfig>;
}

/** Where it is served, or would be. */
export interface Setting {
  /** Absent before there is any, as is the assembly. */
  readonly config?: Pick<Config, "codecs">;
  readonly assembly?: Pick<Assembly, "codecNames" | "codecsFor">;
  readonly limits: EndpointConfig["limits"];
}

export function listOf(handlers: Iterable<HandlerFacts>, assembly: Setting["assembly"]): HandlerList {
  const sorted = [...handlers].sort((one, other) => (one.name < other.name ? -1 : 1));
  return { handlers: sorted.map(summaryOf), codecs: assembly?.codecNames() ?? [] };
}

/** Throws `not_found` if it is not among them. */
export function describeHandler(handlers: Iterable<HandlerFacts>, name: string, setting: Setting): HandlerDescription {
  const facts = [...handlers].find((each) => each.name === name);
  if (facts === undefined) throw new ZmqEchoError("not_found", `there is no handler ${JSON.stringify(name)} here`);
  const { source, settings } = facts;
  const outline = source?.outline ?? {};
  const isolation = isolationOf(outline, settings);
  const concurrency = concurrencyOf(outline, settings);
  const { maxMessageBytes, maxFrames, maxDepth } = setting.limits;
  const { notes: schemaNotes = [], ...schemas } = schemasOf(source);
  const { types, notes: typeNotes } = messageTypes(setting, isolation);
  const notes = [...schemaNotes, ...typeNotes];
  return {
    ...summaryOf(facts),
    isolation,
    timeoutMs: timeoutOf(outline, settings),
    ...(Number.isFinite(concurrency) && { concurrency }),
    ...(isolation !== "inline" && { pool: poolOf(settings) }),
    limits: { maxMessageBytes, maxFrames, maxDepth },
    codecs: setting.assembly?.codecNames(isolation) ?? [],
    ...schemas,
    ...(types.length > 0 && { protobuf: types }),
    ...(notes.length > 0 && { notes }),
  };
}

/** What a host that runs knows of itself. */
export interface Introspected {
  readonly registry: Pick<HandlerRegistry, "slots" | "madeFrom">;
  /** What the handlers and codecs that are served came from; undefined before there are any. */
  served(): { readonly config: Config; readonly assembly: Assembly } | undefined;
  counted(): Omit<Counted, "slots">;
}

/** What a host tells to its own program, and to who asks an endpoint. @param serves what whoever asks may know of; absent for all */
export function introspectionOf(
  { registry, served, counted }: Introspected,
  limits: () => EndpointConfig["limits"],
  serves?: (handler: string) => boolean,
): Introspection {
  function factsOf(slot: HandlerSlot): HandlerFacts {
    const { name } = slot;
    const made = registry.madeFrom(slot);
    if (made !== undefined) return { name, state: "ready", source: made.source, settings: made.settings };
    const settings: Partial<HandlerConfig> = served()?.config.handlers[name] ?? {};
    return { name, state: "broken", source: served()?.assembly.handlers.get(settings.plugin ?? name), settings };
  }

  const facts = () => [...registry.slots()].filter(({ name }) => serves?.(name) ?? true).map(factsOf);
  return {
    stats: () => statsOf({ ...counted(), slots: registry.slots() }, serves),
    list: () => listOf(facts(), served()?.assembly),
    describe: (name) => describeHandler(facts(), name, { ...served(), limits: limits() }),
  };
}

/** The handlers of a configuration that is not served: all there are, whoever may call them. */
export function handlersOf({ handlers: settings }: Config, { handlers: sources, broken }: Assembly): HandlerFacts[] {
  const names = new Set([...sources.keys(), ...broken.map(({ name }) => name), ...Object.keys(settings)]);
  return [...names].map((name) => {
    const own: Partial<HandlerConfig> = settings[name] ?? {};
    const source = sources.get(own.plugin ?? name);
    return { name, state: source === undefined ? "broken" : "ready", source, settings: own };
  });
}

function summaryOf({ name, state, source }: HandlerFacts): HandlerSummary {
  const description = source?.outline.description;
  return { name, ...(description !== undefined && { description }), state };
}

function schemasOf(source: HandlerSource | undefined): JsonSchemas {
  if (source?.definition !== undefined) return jsonSchemasOf(source.definition);
  return source?.outline.schemas ?? {};
}

/** Of the codecs in the configuration that have a schema. */
function messageTypes(
  { config, assembly, limits }: Setting,
  isolation: Isolation,
): { readonly types: ProtobufDescription[]; readonly notes: string[] } {
  const notes: string[] = [];
  if (assembly === undefined || config === undefined) return { types: [], notes };
  const find = assembly.codecsFor({ limits });
  const types = assembly.codecNames(isolation).flatMap((codec) => {
    const messages = config.codecs[codec]?.type === "protobuf" ? find(codec)?.codec?.messages : undefined;
    if (messages === undefined) return [];
    const { request, response } = messages;
    const proto = messages.proto();
    const fits = Buffer.byteLength(proto) <= MAX_SCHEMA_BYTES;
    if (!fits) notes.push(`codec ${codec}: its types have over ${MAX_SCHEMA_BYTES} bytes as text`);
    return [{ codec, request, response, ...(fits && { proto }) }];
  });
  return { types, notes };
}
