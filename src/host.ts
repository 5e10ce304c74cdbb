/** Builds, starts and stops what a configuration asks for: handlers set up, and each endpoint on its sockets. */
import { type Assembly, assemble, type InCode } from "./assemble.ts";
import type { EndpointConfig } from "./config/effective.ts";
import { handlerMatcher } from "./config/handler-patterns.ts";
import { type LoadedConfig, resolveConfig } from "./config/load.ts";
import type { ConfigInput } from "./config/schema.ts";
import type { CallHook, Core, Transport } from "./core/call.ts";
import { createCore } from "./core/core.ts";
import { createDeadlines } from "./core/deadlines.ts";
import { createRequestIds } from "./core/request-ids.ts";
import { formatProblem } from "./errors.ts";
import type { Log } from "./handler.ts";
import { createRegistry, type HandlerRegistry } from "./loader/registry.ts";
import { createLog } from "./log.ts";
import { plainFraming, zepFraming } from "./transports/zmq/framing.ts";
import { createContext, createZmqTransport } from "./transports/zmq/transport.ts";
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
   * Loads the plugins, sets the handlers up and opens the sockets; all or nothing.
   * Rejects with a `ConfigError` for what the configuration names and is not there, or a `ZmqEchoError` for an address
   * that can't be had.
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

/** An endpoint that is up. */
interface Endpoint {
  readonly core: Core;
  readonly transport: Transport;
}

/**
 * A host for a configuration: an object as in `zmqecho.config.json`, or what `loadConfig` gave.
 * Throws `ConfigError` with everything that is wrong in it. Nothing is opened before `start`.
 */
export function createHost(config: ConfigInput | LoadedConfig = {}, options: HostOptions = {}): Host {
  const loaded = isLoaded(config)
    ? config
    : resolveConfig(config, options.folder === undefined ? {} : { folder: options.folder });
  const { limits, shutdown } = loaded.config;
  const log = options.log ?? createLog(loaded.config.log);
  const addresses = new Map<string, readonly string[]>();
  const endpoints: Endpoint[] = [];
  let registry: HandlerRegistry | undefined;
  let stopping: Promise<void> | undefined;

  async function start(): Promise<void> {
    const assembly = await assemble(loaded, options);
    for (const problem of assembly.broken) {
      const { name: plugin, message, ...place } = problem;
      log.error({ plugin }, `plugin ${plugin} does not load: ${formatProblem({ ...place, message })}`);
    }
    registry = await createRegistry({
      definitions: assembly.handlers,
      broken: new Set(assembly.broken.map(({ name }) => name)),
      settings: loaded.config.handlers,
      log,
    });
    try {
      await openAll(assembly, registry);
    } catch (error) {
      await close();
      throw error;
    }
  }

  async function openAll(assembly: Assembly, handlers: HandlerRegistry): Promise<void> {
    const shared = { context: createContext(), deadlines: createDeadlines(), newRequestId: createRequestIds() };
    for (const [name, endpoint] of Object.entries(loaded.config.endpoints)) {
      const codecs = assembly.codecsFor(endpoint);
      const core = createCore({
        allows: handlerMatcher(endpoint.handlers ?? [endpoint.handler]),
        findHandler: handlers.find,
        findCodec: codecs.get,
        concurrency: endpoint.concurrency,
        queue: endpoint.queue,
        deadlines: shared.deadlines,
        newRequestId: shared.newRequestId,
        hooks: options.hooks ?? [],
        log,
      });
      const transport = createZmqTransport({
        endpoint: name,
        places: { bind: endpoint.bind, connect: endpoint.connect, ipcMode: Number.parseInt(endpoint.ipcMode, 8) },
        framing: endpoint.handlers === undefined ? plainFraming(endpoint.handler, endpoint.codec) : zepFraming(),
        concurrent: endpoint.concurrency > 1,
        limits: { ...limits, ...endpoint.limits },
        context: shared.context,
        log,
      });
      const reached = await transport.start(core);
      endpoints.push({ core, transport });
      addresses.set(name, reached);
      announce(name, endpoint, reached);
    }
  }

  function announce(endpoint: string, { bind }: EndpointConfig, reached: readonly string[]): void {
    for (const [index, address] of reached.entries()) {
      const bound = index < bind.length;
      log.info({ endpoint }, `${bound ? "listening on" : "connecting to"} ${address}`);
      if (bound && !isLoopback(parseAddress(address, "bind"))) {
        log.warn({ endpoint }, `${address} is open to whoever reaches this machine: no keys are asked for`);
      }
    }
  }

  async function stop(graceMs: number = shutdown.graceMs): Promise<void> {
    stopping ??= drain(graceMs);
    await stopping;
  }

  async function drain(graceMs: number): Promise<void> {
    const from = performance.now();
    await Promise.all(endpoints.map(({ transport }) => transport.stopReading()));
    const left = Math.max(0, graceMs - (performance.now() - from));
    await Promise.all(endpoints.map(({ core }) => core.drain(left)));
    await close();
  }

  async function close(): Promise<void> {
    await Promise.all(endpoints.map(({ transport }) => transport.close()));
    await registry?.close();
    addresses.clear();
  }

  return { start, addresses, stop, [Symbol.asyncDispose]: () => stop() };
}

function isLoaded(config: ConfigInput | LoadedConfig): config is LoadedConfig {
  return "origin" in config && typeof config.origin === "function";
}
