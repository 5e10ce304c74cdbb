/**
 * What a started host holds, and how it follows its configuration: plugins assembled, handlers set up, endpoints open. A
 * reload changes what is different and nothing else; what can't be used leaves things as they were, and is logged.
 */
import { type Assembly, createAssembler, type InCode, matcherOf } from "./assemble.ts";
import type { Config } from "./config/effective.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { CallHook } from "./core/call.ts";
import { createRequestIds } from "./core/request-ids.ts";
import { Deadlines } from "./deadlines.ts";
import { settledWithin } from "./durations.ts";
import { createEndpoints } from "./endpoints.ts";
import { ConfigError } from "./errors.ts";
import { watchFiles } from "./files.ts";
import type { Log } from "./handler.ts";
import { type Introspected, introspectionOf } from "./introspection.ts";
import { createKeyFollower } from "./keys.ts";
import { createRegistry, type HandlerChanges, type RegistryContents } from "./loader/registry.ts";
import { createWatcher, type Watcher } from "./loader/watch/watch.ts";
import { isOther, type Look, lookTwice } from "./look.ts";
import { createNews } from "./news.ts";
import { createObservers } from "./observers.ts";
import { oneMore } from "./one-more.ts";
import { lacksOf } from "./readiness.ts";
import { createReloadLog } from "./reload-log.ts";
import { flushSpans } from "./tracing/flush.ts";
import type { Introspection } from "./transports/zmq/framing.ts";

export interface ServiceOptions extends InCode {
  readonly hooks?: readonly CallHook[];
  readonly log: Log;
}

export interface Service {
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** What is in effect now. */
  config(): LoadedConfig;
  /** Of all handlers and endpoints. */
  readonly introspection: Introspection;
  /** Where it shows itself over HTTP, if it does. */
  httpUrl(): string | undefined;
  /** All or nothing. Rejects with a `ConfigError`, or a `ZmqEchoError` for an address that can't be had. */
  start(): Promise<void>;
  /** Brings it up to date with the disk. Rejects with what can't be used of the configuration; what is wrong with plugins is logged. */
  reload(): Promise<void>;
  /** Answers what has reached it, for `graceMs` at most, and closes. */
  stop(graceMs: number): Promise<void>;
}

/** However short the grace, handlers get this long to tear down. */
const SHORTEST_TEARDOWN_MS = 1000;

export function createService(first: LoadedConfig, options: ServiceOptions): Service {
  const told = createNews(options.log);
  const { log } = told;
  const startedAt = performance.now();
  const assembler = createAssembler(options);
  const registry = createRegistry(log);
  const news = createReloadLog(log);
  const endpoints = createEndpoints({
    findHandler: registry.find,
    introspectionFor: (endpoint) => introspectionOf(introspected, () => endpoint.limits, matcherOf(endpoint)),
    deadlines: new Deadlines(),
    newRequestId: createRequestIds(),
    onDue: reloadByItself,
    log,
  });
  let current = first;
  /** What the handlers and codecs that are served came from. Endpoints are open, and may be asked, before all else follows. */
  let served: { readonly config: Config; readonly assembly: Assembly } | undefined;
  let watcher: Watcher | undefined;
  let files: { close(): void } | undefined;
  let isStopped = false;

  const introspected: Introspected = {
    registry,
    served: () => served,
    counted: () => ({ startedAt, reloads: { ...news.counts }, loads: endpoints.loads() }),
  };
  const introspection = introspectionOf(introspected, () => current.config.limits);
  const observers = createObservers({
    hooks: options.hooks ?? [],
    view: {
      introspection,
      config: () => current,
      isHandler: (name) => registry.find(name) !== undefined,
      lacks,
      endpoints: endpoints.opened,
      news: told.after,
    },
    addresses: endpoints.addresses,
    log,
    privateLog: options.log,
  });

  async function start(): Promise<void> {
    const survey = await assembler.survey(first);
    try {
      if (survey.problems.length > 0) throw new ConfigError(survey.problems);
      const look = { loaded: first, survey };
      news.complain(look);
      await bringUp(look);
      watchFor(survey.assembly);
      files = watchFiles(log, () => {
        // What changed meanwhile could not be read.
        if (current.config.watch) reloadByItself();
      });
    } catch (error) {
      await close(SHORTEST_TEARDOWN_MS);
      throw error;
    }
  }

  async function bringUp({ loaded, survey: { assembly, commit } }: Look): Promise<HandlerChanges> {
    const { endpoints: wanted, shutdown } = loaded.config;
    const observing = await observers.prepare(loaded.config);
    const plan = {
      endpoints: wanted,
      codecsFor: assembly.codecsFor,
      hooksFor: observing.hooksFor,
      keyrings: assembly.keyrings,
      graceMs: shutdown.graceMs,
    };
    let changes: HandlerChanges = { renewed: [], gone: [], failed: [] };
    try {
      await endpoints.apply(plan, async () => {
        changes = await registry.apply(contentsOf(loaded.config, assembly));
        served = { config: loaded.config, assembly };
      });
    } catch (error) {
      await observing.discard();
      throw error;
    }
    await observing.commit();
    commit();
    current = loaded;
    return changes;
  }

  async function reloadNow(): Promise<void> {
    if (isStopped) return;
    let look = await lookTwice(assembler, current, news.isWorse);
    let { refusal } = look;
    if (isStopped) return;
    try {
      await follow(look);
    } catch (error) {
      if (isStopped) return;
      // An address that can't be had. What has changed beside the configuration counts all the same.
      refusal = error;
      try {
        look = { loaded: current, survey: await assembler.survey(current), refusal };
        await follow(look);
      } catch (err) {
        log.error({ err }, "a reload failed, and what is served stays as it was");
        throw err;
      }
    }
    if (refusal !== undefined) throw refusal;
  }

  /** Makes what is served what was found, and tells of it. */
  async function follow(look: Look): Promise<void> {
    const isNewConfig = isOther(look.loaded, current);
    const changes = await bringUp(look);
    news.tell(look, changes, isNewConfig);
    watchFor(look.survey.assembly);
  }

  /** Why it can't serve all it should. */
  function lacks(): readonly string[] {
    if (isStopped) return ["the host is shutting down"];
    if (served === undefined) return ["the host is starting"];
    return lacksOf({ endpoints: current.config.endpoints, open: endpoints.addresses, find: registry.find });
  }

  /** Watches what the configuration and the assembly are made from, or no longer. */
  function watchFor({ files, folders }: Assembly): void {
    if (isStopped) return;
    if (!current.config.watch) {
      watcher?.close();
      watcher = undefined;
      return;
    }
    watcher ??= createWatcher({
      onChange: reloadByItself,
      onTrouble: (message) => log.warn(message),
    });
    watcher.watch({ files: [...current.files, ...files], folders });
  }

  /** What can't be used is in the log by then. */
  function reloadByItself(): void {
    reload().catch((err: unknown) => log.debug({ err }, "a reload was refused"));
  }

  const keys = createKeyFollower({
    read: () => assembler.readKeyrings(current.config.endpoints),
    admit: endpoints.admit,
    log,
  });
  const all = oneMore(reloadNow);
  async function reload(): Promise<void> {
    await Promise.all([keys.follow(), all.run()]);
  }

  async function stop(graceMs: number): Promise<void> {
    const end = performance.now() + graceMs;
    isStopped = true;
    watcher?.close();
    keys.stop();
    files?.close();
    const reloaded = settledWithin(
      all.running().catch(() => undefined),
      graceMs,
    );
    await Promise.all([endpoints.drain(graceMs), reloaded]);
    await close(Math.max(0, end - performance.now()));
  }

  async function close(teardownMs: number): Promise<void> {
    await endpoints.close();
    await observers.closeHttp();
    const withinMs = Math.max(teardownMs, SHORTEST_TEARDOWN_MS);
    await Promise.all([registry.close(withinMs), observers.close(withinMs)]);
    await flushSpans(withinMs);
  }

  return {
    addresses: endpoints.addresses,
    config: () => current,
    introspection,
    httpUrl: () => observers.httpUrl,
    start,
    reload,
    stop,
  };
}

function contentsOf({ endpoints, handlers: settings }: Config, { handlers, broken }: Assembly): RegistryContents {
  const matchers = Object.values(endpoints).map(matcherOf);
  return {
    sources: handlers,
    broken: new Set(broken.map(({ name }) => name)),
    serves: (handler) => matchers.some((allows) => allows(handler)),
    settings,
  };
}
