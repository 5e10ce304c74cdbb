/** A host for a configuration: starts it, keeps it up to date, stops it. */
import { type LoadedConfig, resolveConfig } from "./config/load.ts";
import type { ConfigInput } from "./config/schema.ts";
import { checkMs } from "./durations.ts";
import { ZmqEchoError } from "./errors.ts";
import { createLog } from "./log.ts";
import { createService, type ServiceOptions } from "./service.ts";
import type { HandlerDescription, HandlerList, HostStats } from "./wire/introspection.ts";

export interface HostOptions extends Omit<ServiceOptions, "log">, Partial<Pick<ServiceOptions, "log">> {
  /** What relative paths of a config object are relative to. Default: the working folder. */
  readonly folder?: string;
}

export interface Host {
  /**
   * Loads the plugins, sets the handlers up and opens the sockets; all or nothing, and once.
   * Rejects with a `ConfigError` for what the configuration names and is not there, or a `ZmqEchoError` for an address
   * that can't be had, or `failed_precondition` the second time.
   */
  start(): Promise<void>;
  /** The real addresses by endpoint, ports filled in; empty before `start`. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** The configuration that is in effect; another one after a reload that found another. */
  readonly config: LoadedConfig;
  /** Where health, metrics and the page are, `http://HOST:PORT`; undefined if the configuration wants none, and before `start`. */
  readonly httpUrl: string | undefined;
  /** What it does and has done, in numbers. */
  stats(): HostStats;
  /** The handlers that its endpoints serve, and the codecs. Empty before `start`. */
  list(): HandlerList;
  /** One of these handlers in detail. Throws `not_found` for any other name. */
  describe(handler: string): HandlerDescription;
  /**
   * Brings it up to date with the disk: plugins, what they import, the files of codecs, and the configuration if it came
   * from `loadConfig`. With `watch`, which is the default, it does so by itself when something changes there. Calls that run
   * end on what they began on; sockets whose addresses stay the same stay open.
   * Rejects, and changes nothing, if the configuration can't be used. A plugin that does not load is logged, and its last
   * version that did goes on.
   */
  reload(): Promise<void>;
  /**
   * Answers what has reached it, then closes. Calls that come meanwhile get `unavailable`.
   * @param graceMs how long running calls may take; default `shutdown.graceMs` of the config, 15 s
   */
  stop(graceMs?: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A host for a configuration: an object as in `zmqecho.config.json`, or what `loadConfig` gave.
 * Throws `ConfigError` with everything that is wrong in it. Nothing is opened before `start`.
 */
export function createHost(config: ConfigInput | LoadedConfig = {}, options: HostOptions = {}): Host {
  const loaded = isLoaded(config)
    ? config
    : resolveConfig(config, options.folder === undefined ? {} : { folder: options.folder });
  const service = createService(loaded, { ...options, log: options.log ?? createLog(loaded.config.log) });
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function start(): Promise<void> {
    if (starting !== undefined || stopping !== undefined) {
      throw new ZmqEchoError("failed_precondition", "a host starts once; make another with createHost");
    }
    starting = service.start();
    await starting;
  }

  async function reload(): Promise<void> {
    if (starting === undefined || stopping !== undefined) {
      throw new ZmqEchoError("failed_precondition", "only a host that runs can be reloaded");
    }
    await starting;
    await service.reload();
  }

  async function stop(graceMs: number = service.config().config.shutdown.graceMs): Promise<void> {
    checkMs(graceMs, "graceMs", 0);
    stopping ??= stopOnce(graceMs);
    await stopping;
  }

  async function stopOnce(graceMs: number): Promise<void> {
    // One that could not start has closed itself, and its caller knows.
    starting?.catch(() => undefined);
    if (starting !== undefined) await service.stop(graceMs);
  }

  return {
    start,
    addresses: service.addresses,
    get config() {
      return service.config();
    },
    get httpUrl() {
      return service.httpUrl();
    },
    stats: service.introspection.stats,
    list: service.introspection.list,
    describe: service.introspection.describe,
    reload,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

function isLoaded(config: ConfigInput | LoadedConfig): config is LoadedConfig {
  return "origin" in config && typeof config.origin === "function";
}
