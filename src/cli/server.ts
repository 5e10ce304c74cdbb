/** Which server `list`, `describe` and `ping` ask: an address as it is given, or what the configuration names. */
import { DEFAULTS } from "../config/defaults.ts";
import { suggestion } from "../wording.ts";
import { addressOf, checkAddress } from "./destination.ts";
import { usageError } from "./failure.ts";

export interface ServerFlags {
  readonly config?: string;
  readonly connect?: readonly string[];
  readonly endpoint?: string;
}

export interface Server {
  readonly addresses: readonly string[];
  /** Whether the endpoint serves handlers by name; undefined where the configuration does not say. */
  readonly speaksZep?: boolean;
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
  if (given.length > 0) return { addresses: given };

  const { loadConfig } = await import("../config/load.ts");
  const { endpoints, targets } = (await loadConfig(file === undefined ? {} : { file })).config;
  const target = wanted === undefined ? undefined : targets[wanted];
  if (target !== undefined) return { addresses: target.connect, timeoutMs: target.timeoutMs };
  const name = wanted ?? Object.keys(endpoints)[0] ?? DEFAULTS.endpoint;
  const endpoint = endpoints[name];
  if (endpoint === undefined) {
    const names = [...Object.keys(endpoints), ...Object.keys(targets)];
    throw usageError(`there is no endpoint or target ${JSON.stringify(name)}${suggestion(name, names)}`);
  }
  return {
    addresses: [addressOf(name, endpoint)],
    speaksZep: endpoint.handlers !== undefined,
    ...(wanted === undefined && { chosen: name }),
  };
}
