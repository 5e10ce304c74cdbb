/** Which server `list`, `describe` and `ping` ask: an address as it is given, or what the configuration names. */
import type { CurveKeys } from "../client/connection.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { suggestion } from "../wording.ts";
import { addressOf, checkAddress } from "./destination.ts";
import { usageError } from "./failure.ts";
import { type KeyFlags, keysOfEndpoint, keysOfTarget, readKeys } from "./keys.ts";

export interface ServerFlags extends KeyFlags {
  readonly config?: string;
  readonly connect?: readonly string[];
  readonly endpoint?: string;
}

export interface Server {
  readonly addresses: readonly string[];
  /** Whether the endpoint serves handlers by name; undefined where the configuration does not say. */
  readonly speaksZep?: boolean;
  /** For a server that asks for keys. */
  readonly curve?: CurveKeys | undefined;
  /** A target's own. */
  readonly timeoutMs?: number | undefined;
  /** The config's name for it, if it was chosen and not asked for. */
  readonly chosen?: string;
}

/** Throws a usage error for what does not fit together, and a ConfigError for a configuration that can't be used. */
export async function findServer(address: string | undefined, flags: ServerFlags): Promise<Server> {
  const { connect = [], endpoint: wanted, config: file } = flags;
  const given = address === undefined ? connect : [address, ...connect];
  if (given.length > 0 && wanted !== undefined) throw usageError("an address and --endpoint exclude each other");
  for (const text of given) checkAddress(text);
  if (given.length > 0) return { addresses: given, curve: await readKeys(flags, undefined) };

  const { loadConfig } = await import("../config/load.ts");
  const { endpoints, targets } = (await loadConfig(file === undefined ? {} : { file })).config;
  const target = wanted === undefined ? undefined : targets[wanted];
  if (target !== undefined) {
    const curve = await readKeys(flags, keysOfTarget(target).files);
    return { addresses: target.connect, timeoutMs: target.timeoutMs, curve };
  }
  const name = wanted ?? Object.keys(endpoints)[0] ?? DEFAULTS.endpoint;
  const endpoint = endpoints[name];
  if (endpoint === undefined) {
    const names = [...Object.keys(endpoints), ...Object.keys(targets)];
    throw usageError(`there is no endpoint or target ${JSON.stringify(name)}${suggestion(name, names)}`);
  }
  return {
    addresses: [addressOf(name, endpoint)],
    speaksZep: endpoint.handlers !== undefined,
    curve: await readKeys(flags, keysOfEndpoint(endpoint).files),
    ...(wanted === undefined && { chosen: name }),
  };
}
