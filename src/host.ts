/** Builds, starts and stops what a configuration asks for: handlers set up, and each endpoint on its sockets. */
import { assemble, type InCode } from "./assemble.ts";
import type { EndpointConfig } from "./config/effective.ts";
import { handlerMatcher } from "./config/handler-patterns.ts";
import { type LoadedConfig, resolveConfig } from "./config/load.ts";
import type { ConfigInput } from "./config/schema.ts";
import type { CallHook, Core, Transport } from "./core/call.ts";
import { createCore } from "./core/core.ts";
import { createDeadlines } from "./core/deadlines.ts";
import { createRequestIds } from "./core/request-ids.ts";
import { checkMs } from "./durations.ts";
import { formatProblem, ZmqEchoError } from "./errors.ts";
import type { Log } from "./handler.ts";
import { createRegistry } from "./loader/registry.ts";
import { createLog } from "./log.ts";
import { giveBackContext, takeContext } from "./transports/zmq/context.ts";
import { plainFraming, zepFraming } from "./transports/zmq/framing.ts";
import { createZmqTransport } from "./transports/zmq/transport.ts";
import { isLoopback, parseAddress } from "./wire/address.ts";

export interface HostOptions extends InCode {
  /** What relative paths of a config object are relative to. Default: the working folder. */
  readonly folder?: string;
  /** Default: a log on stderr as `log` in the config says. */
  readonly log?: Log;
  /** Told about every call. */
  readonly hooks?: readonly CallHook[];
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
  const log = options.log ?? createLog(loaded.config.log);
  const addresses = new Map<string, readonly string[]>();
  let opening: Promise<OpenHost> | undefined;
  let stopping: Promise<void> | undefined;

  async function start(): Promise<void> {
    if (opening !== undefined || stopping !== undefined) {
      throw new ZmqEchoError("failed_precondition", "a host starts once; make another with createHost");
    }
    opening = openHost(loaded, options, log, addresses);
    await opening;
  }

  async function stop(graceMs: number = loaded.config.shutdown.graceMs): Promise<void> {
    checkMs(graceMs, "graceMs", 0);
    stopping ??= stopOnce(graceMs);
    await stopping;
  }

  async function stopOnce(graceMs: number): Promise<void> {
    // One that is still starting is let through; one that failed has closed itself, and its caller knows.
    const open = await opening?.catch(() => undefined);
    await open?.drain(graceMs);
    addresses.clear();
  }

  return { start, addresses, stop, [Symbol.asyncDispose]: () => stop() };
}

/** What a started host holds. */
interface OpenHost {
  /** Answers what has reached it, for `graceMs` at most, and closes. */
  drain(graceMs: number): Promise<void>;
}

/** However short the grace, handlers get this long to tear down. */
const SHORTEST_TEARDOWN_MS = 1000;

/** Fills in `addresses`. What was opened is closed again if the rest can't be. */
async function openHost(
  loaded: LoadedConfig,
  options: HostOptions,
  log: Log,
  addresses: Map<string, readonly string[]>,
): Promise<OpenHost> {
  const { endpoints, handlers: settings, limits } = loaded.config;
  const assembly = await assemble(loaded, options);
  for (const problem of assembly.broken) {
    const { name: plugin, message, ...place } = problem;
    log.error({ plugin }, `plugin ${plugin} does not load: ${formatProblem({ ...place, message })}`);
  }
  const broken = new Set(assembly.broken.map(({ name }) => name));
  const matchers = Object.values(endpoints).map(handlersOf);
  const serves = (handler: string): boolean => matchers.some((allows) => allows(handler));
  const registry = await createRegistry({ definitions: assembly.handlers, broken, serves, settings, log });
  const context = takeContext();
  const shared = {
    findHandler: registry.find,
    deadlines: createDeadlines(),
    newRequestId: createRequestIds(),
    hooks: options.hooks ?? [],
    log,
  };
  const opened: { readonly core: Core; readonly transport: Transport }[] = [];

  async function open(name: string, endpoint: EndpointConfig): Promise<void> {
    const { concurrency, queue } = endpoint;
    const allows = handlersOf(endpoint);
    const core = createCore({ ...shared, allows, findCodec: assembly.codecsFor(endpoint).get, concurrency, queue });
    const transport = createZmqTransport({
      endpoint: name,
      places: { bind: endpoint.bind, connect: endpoint.connect, ipcMode: Number.parseInt(endpoint.ipcMode, 8) },
      framing: endpoint.handlers === undefined ? plainFraming(endpoint.handler, endpoint.codec) : zepFraming(),
      lockStep: concurrency === 1,
      limits: { ...limits, ...endpoint.limits },
      context,
      log,
    });
    const reached = await transport.start(core);
    opened.push({ core, transport });
    addresses.set(name, reached);
    announce(log, name, endpoint, reached);
  }

  async function close(teardownMs: number): Promise<void> {
    await Promise.all(opened.map(({ transport }) => transport.close()));
    giveBackContext(context);
    await registry.close(Math.max(teardownMs, SHORTEST_TEARDOWN_MS));
  }

  try {
    for (const [name, endpoint] of Object.entries(endpoints)) await open(name, endpoint);
  } catch (error) {
    await close(SHORTEST_TEARDOWN_MS);
    addresses.clear();
    throw error;
  }
  return {
    async drain(graceMs) {
      const end = performance.now() + graceMs;
      const leftMs = (): number => Math.max(0, end - performance.now());
      await Promise.all(opened.map(({ transport }) => transport.stopReading()));
      await Promise.all(opened.map(({ core }) => core.drain(leftMs())));
      await close(leftMs());
    },
  };
}

/** Whether an endpoint serves a handler's name. */
function handlersOf({ handler, handlers }: EndpointConfig): (name: string) => boolean {
  return handlerMatcher(handlers ?? [handler]);
}

function announce(log: Log, endpoint: string, { bind }: EndpointConfig, reached: readonly string[]): void {
  for (const [index, address] of reached.entries()) {
    const bound = index < bind.length;
    log.info({ endpoint }, `${bound ? "listening on" : "connecting to"} ${address}`);
    if (bound && !isLoopback(parseAddress(address, "bind"))) {
      log.warn({ endpoint }, `${address} is open to whoever reaches this machine: no keys are asked for`);
    }
  }
}

function isLoaded(config: ConfigInput | LoadedConfig): config is LoadedConfig {
  return "origin" in config && typeof config.origin === "function";
}
