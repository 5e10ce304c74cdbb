/** Whom a command talks to, and how: from the command line alone where it suffices, else from the configuration. */
import type { CurveKeys } from "../client/connection.ts";
import type { Codec, CodecRole, CodecSpec } from "../codecs/codec.ts";
import { createLightCodec } from "../codecs/light.ts";
import { BUILT_IN_CODECS, DEFAULTS } from "../config/defaults.ts";
import type { EndpointConfig } from "../config/effective.ts";
import { handlerMatcher } from "../config/handler-patterns.ts";
import type { LoadedConfig } from "../config/load.ts";
import { parseAddress, reachable } from "../wire/address.ts";
import { suggestion } from "../wording.ts";
import { type CodecFlags, codecFromFlags } from "./codec-flags.ts";
import { usageError } from "./failure.ts";
import { type KeyFiles, type KeyFlags, keysOfEndpoint, keysOfTarget, readKeys } from "./keys.ts";

export interface DestinationFlags extends CodecFlags, KeyFlags {
  readonly config?: string;
  readonly connect?: readonly string[];
  readonly endpoint?: string;
  readonly handler?: string;
  /** Set by commands that take messages as they are, whichever handler they call. */
  readonly anyHandler?: boolean;
}

export interface Destination {
  readonly addresses: readonly string[];
  /** Set if the handler is called by name. */
  readonly handler?: string;
  /** It is an endpoint of the configuration that serves handlers by name. */
  readonly byName?: boolean;
  /** Of who sends requests and reads replies. */
  readonly codec: Codec;
  /** The same of who reads requests. */
  readonly requestCodec: () => Codec;
  /** What the codec was made from, its paths absolute; undefined for a plugin's. */
  readonly spec: CodecSpec | undefined;
  /** The codec passes bytes through, so a body is no JSON. */
  readonly takesBytes: boolean;
  /** For a server that asks for keys. */
  readonly curve?: CurveKeys | undefined;
  /** A target's own. */
  readonly timeoutMs?: number | undefined;
  readonly retries?: number | undefined;
  /** The config's name for it, if it was chosen and not asked for. */
  readonly chosen?: string;
}

/** Throws a usage error for what does not fit together, and a ConfigError for what the configuration lacks. */
export async function findDestination(address: string | undefined, flags: DestinationFlags): Promise<Destination> {
  const { connect = [], endpoint, handler } = flags;
  const given = address === undefined ? connect : [address, ...connect];
  if (given.length > 0 && endpoint !== undefined) throw usageError("an address and --endpoint exclude each other");
  for (const text of given) checkAddress(text);

  const fromFlags = codecFromFlags(flags);
  const loaded =
    given.length === 0 || (fromFlags === undefined && flags.codec !== undefined) ? await load(flags) : undefined;
  const place =
    loaded === undefined || given.length > 0
      ? { addresses: given.length > 0 ? given : [DEFAULTS.address], ...byName(handler) }
      : locate(loaded, endpoint, handler, flags.anyHandler);
  const codecName = fromFlags?.name ?? flags.codec ?? place.codec ?? DEFAULTS.codec;
  const { spec, codec, requestCodec } = await resolveCodec(fromFlags, codecName, loaded);
  const { codec: _, files, ...where } = place;
  const takesBytes = typeof spec === "object" ? spec.type === "raw" : spec === "raw";
  return { ...where, codec, requestCodec, spec, takesBytes, curve: await readKeys(flags, files) };
}

/** Where to, as the configuration has it; `codec` by name. */
type Place = Omit<Destination, "codec" | "requestCodec" | "spec" | "takesBytes" | "curve"> & {
  readonly codec?: string;
  readonly files?: KeyFiles;
};

function locate(
  loaded: LoadedConfig,
  wanted: string | undefined,
  handler: string | undefined,
  anyHandler = false,
): Place {
  const { endpoints, targets } = loaded.config;
  if (wanted !== undefined) {
    const target = targets[wanted];
    if (target !== undefined) {
      const { connect, codec, timeoutMs, retries } = target;
      return { addresses: connect, codec, timeoutMs, retries, ...keysOfTarget(target), ...byName(handler) };
    }
    const endpoint = endpoints[wanted];
    if (endpoint !== undefined) return placeOf(wanted, endpoint, handler, anyHandler);
    const names = [...Object.keys(endpoints), ...Object.keys(targets)];
    throw usageError(`there is no endpoint or target ${JSON.stringify(wanted)}${suggestion(wanted, names)}`);
  }
  if (handler !== undefined) {
    const found = endpointOf(handler, endpoints);
    if (found !== undefined) return placeOf(...found, handler);
    throw usageError(`no endpoint of the configuration serves the handler ${JSON.stringify(handler)}`);
  }
  const [first] = Object.entries(endpoints);
  if (first === undefined) throw usageError("the configuration has no endpoint");
  return { ...placeOf(...first, handler), chosen: first[0] };
}

/** The endpoint that serves a handler, with its name: a plain one before one that serves by name. */
export function endpointOf(
  handler: string,
  endpoints: Readonly<Record<string, EndpointConfig>>,
): readonly [name: string, endpoint: EndpointConfig] | undefined {
  const entries = Object.entries(endpoints);
  return (
    entries.find(([, endpoint]) => endpoint.handler === handler) ??
    entries.find(([, endpoint]) => handlerMatcher(endpoint.handlers ?? [])(handler))
  );
}

/** True for a bind address whose port the system chooses. */
export function isAnyPort(address: string): boolean {
  return /:(\*|0)$/.test(address);
}

/** Where an endpoint of ours is reached. Throws a usage error if that can't be known. */
export function addressOf(name: string, endpoint: EndpointConfig): string {
  const [address] = endpoint.bind;
  if (address === undefined) {
    throw usageError(
      `endpoint ${name} connects to ${endpoint.connect.join(", ")} and has no address of its own; send to its broker`,
    );
  }
  if (isAnyPort(address))
    throw usageError(`endpoint ${name} binds a free port; give the address that serve has printed`);
  return reachable(address);
}

function placeOf(name: string, endpoint: EndpointConfig, handler: string | undefined, anyHandler = false): Place {
  const where = { addresses: [addressOf(name, endpoint)], ...keysOfEndpoint(endpoint) };
  if (endpoint.handlers === undefined) {
    if (handler !== undefined && handler !== endpoint.handler) {
      throw usageError(`endpoint ${name} serves ${endpoint.handler} alone, not ${JSON.stringify(handler)}`);
    }
    return { ...where, codec: endpoint.codec };
  }
  if (handler !== undefined) return { ...where, handler };
  if (anyHandler) return { ...where, byName: true };
  throw usageError(`endpoint ${name} serves handlers by name; name one with --handler`);
}

function byName(handler: string | undefined): { handler?: string } {
  return handler === undefined ? {} : { handler };
}

async function resolveCodec(
  fromFlags: { name: string; spec: CodecSpec } | undefined,
  name: string,
  loaded: LoadedConfig | undefined,
): Promise<Pick<Destination, "codec" | "requestCodec" | "spec">> {
  const spec = fromFlags?.spec ?? loaded?.config.codecs[name] ?? BUILT_IN_CODECS.find((builtIn) => builtIn === name);
  if (spec !== undefined) {
    const limits = loaded?.config.limits ?? DEFAULTS.limits;
    const light = createLightCodec(spec, name, limits);
    if (light !== undefined) return { spec, codec: light, requestCodec: () => light };
    const { createCodec } = await import("../codecs/registry.ts");
    const made = (role: CodecRole) =>
      createCodec(spec, { name, role, limits, ...(loaded && { folder: loaded.folder }) });
    return { spec, codec: made("client"), requestCodec: () => made("server") };
  }
  if (loaded !== undefined) {
    const codec = await codecFromPlugin(name, loaded);
    return { codec, requestCodec: () => codec, spec: undefined };
  }
  throw usageError(`there is no codec ${JSON.stringify(name)}${suggestion(name, BUILT_IN_CODECS)}`);
}

/**
 * A codec that is nobody's but a plugin's: only that one is loaded. Throws a usage error if there is none.
 * For names that neither the configuration nor a built-in codec has.
 */
export async function codecFromPlugin(name: string, loaded: LoadedConfig): Promise<Codec> {
  const { findPlugins } = await import("../loader/find.ts");
  const found = (await findPlugins(loaded.config.plugins, { folder: loaded.folder })).plugins.get(name);
  if (found !== undefined) {
    const { loadPlugin } = await import("../loader/load.ts");
    const { codec } = await loadPlugin(found);
    if (codec !== undefined) {
      const { createCodec } = await import("../codecs/registry.ts");
      return createCodec(codec, { name, limits: loaded.config.limits });
    }
  }
  const names = [...BUILT_IN_CODECS, ...Object.keys(loaded.config.codecs)];
  throw usageError(`there is no codec ${JSON.stringify(name)}${suggestion(name, names)}`);
}

/** Undefined if nothing is configured and the defaults suffice: they need no check, which takes longer than the call. */
async function load({ config: file, endpoint, handler, codec }: DestinationFlags): Promise<LoadedConfig | undefined> {
  const needsNoName =
    endpoint === undefined && handler === undefined && (codec === undefined || codecFromFlags({ codec }));
  if (needsNoName && file === undefined && !process.env.ZMQECHO_CONFIG) {
    const { findConfigFile } = await import("../config/file.ts");
    if ((await findConfigFile(process.cwd())) === undefined) return undefined;
  }
  const { loadConfig } = await import("../config/load.ts");
  return loadConfig(file === undefined ? {} : { file });
}

/** Throws a usage error for an address that can't be called. */
export function checkAddress(text: string): void {
  try {
    parseAddress(text, "connect");
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}
