/**
 * What a started host holds, and how it follows its configuration: plugins assembled, handlers set up, endpoints open. A
 * reload changes what is different and nothing else; what can't be used leaves things as they were, and is logged.
 */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Assembly, createAssembler, type InCode, matcherOf, type Survey } from "./assemble.ts";
import type { Config } from "./config/effective.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { CallHook } from "./core/call.ts";
import { createDeadlines } from "./core/deadlines.ts";
import { createRequestIds } from "./core/request-ids.ts";
import { createEndpoints } from "./endpoints.ts";
import { ConfigError, formatProblem, textOf } from "./errors.ts";
import type { Log } from "./handler.ts";
import { createRegistry, type HandlerChanges, type RegistryContents } from "./loader/registry.ts";
import { createWatcher, type Watcher } from "./loader/watch.ts";
import { type HostStats, statsOf } from "./stats.ts";
import { listed } from "./wording.ts";

export interface ServiceOptions extends InCode {
  readonly hooks?: readonly CallHook[];
  readonly log: Log;
}

export interface Service {
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** What is in effect now. */
  config(): LoadedConfig;
  stats(): HostStats;
  /** All or nothing. Rejects with a `ConfigError`, or a `ZmqEchoError` for an address that can't be had. */
  start(): Promise<void>;
  /** Brings it up to date with the disk. Rejects with what can't be used of the configuration; what is wrong with plugins is logged. */
  reload(): Promise<void>;
  /** Answers what has reached it, for `graceMs` at most, and closes. */
  stop(graceMs: number): Promise<void>;
}

/** However short the grace, handlers get this long to tear down. */
const SHORTEST_TEARDOWN_MS = 1000;

/** A file that is wrong may be half written; it gets this long before it is complained of. */
const HALF_WRITTEN_MS = 100;

/** What a look at the disk came to. */
interface Look {
  readonly loaded: LoadedConfig;
  readonly survey: Survey;
}

export function createService(first: LoadedConfig, options: ServiceOptions): Service {
  const { log } = options;
  const startedAt = performance.now();
  const assembler = createAssembler(options);
  const registry = createRegistry(log);
  const reloads = { done: 0, failed: 0 };
  const endpoints = createEndpoints({
    findHandler: registry.find,
    statsFor: (endpoint) => stats(endpoint),
    deadlines: createDeadlines(),
    newRequestId: createRequestIds(),
    hooks: options.hooks ?? [],
    log,
  });
  let current = first;
  let contents: RegistryContents | undefined;
  /** What has been complained of and is still so. */
  let complaints = new Set<string>();
  let watcher: Watcher | undefined;
  let isStopped = false;

  function stats(viewer?: string): HostStats {
    const counted = { startedAt, reloads: { ...reloads }, loads: endpoints.loads(), slots: registry.slots() };
    return statsOf(counted, viewer);
  }

  async function start(): Promise<void> {
    const survey = await assembler.survey(first);
    try {
      if (survey.problems.length > 0) throw new ConfigError(survey.problems);
      complain(complaintsOf(survey));
      await bringUp({ loaded: first, survey });
      follow(survey.assembly);
    } catch (error) {
      await close(SHORTEST_TEARDOWN_MS);
      throw error;
    }
  }

  async function bringUp({ loaded, survey: { assembly } }: Look): Promise<HandlerChanges> {
    const next = contentsOf(loaded.config, assembly);
    const changed = await registry.apply(next);
    if (isStopped) return changed;
    const { endpoints: wanted, shutdown } = loaded.config;
    try {
      await endpoints.apply({ endpoints: wanted, codecsFor: assembly.codecsFor, graceMs: shutdown.graceMs });
    } catch (error) {
      if (contents !== undefined) await registry.apply(contents);
      throw error;
    }
    contents = next;
    current = loaded;
    return changed;
  }

  async function reloadNow(): Promise<void> {
    if (isStopped) return;
    let look: Look;
    try {
      look = await lookTwice();
    } catch (error) {
      fail(error);
      throw error;
    }
    if (isStopped) return;
    const { loaded, survey } = look;
    const isNew = isOther(loaded);
    try {
      complain(complaintsOf(survey));
      const changed = await bringUp(look);
      tellOf(changed, survey.assembly.changedCodecs, isNew);
    } catch (error) {
      fail(error);
      throw error;
    } finally {
      if (!isStopped) follow(survey.assembly);
    }
  }

  /** What is wrong at the first look, and was not before, may be half written. */
  async function lookTwice(): Promise<Look> {
    try {
      const look = await lookOnce();
      if ([...complaintsOf(look.survey)].every((text) => complaints.has(text))) return look;
    } catch (error) {
      if (!(error instanceof ConfigError) || complaints.has(error.message)) throw error;
    }
    await delay(HALF_WRITTEN_MS);
    return lookOnce();
  }

  async function lookOnce(): Promise<Look> {
    const loaded = await current.reload();
    const survey = await assembler.survey(loaded);
    // What was served yesterday and is gone from the disk today is no reason to ignore what else has changed there.
    if (isOther(loaded) && survey.problems.length > 0) throw new ConfigError(survey.problems);
    return { loaded, survey };
  }

  function isOther(loaded: LoadedConfig): boolean {
    return !isDeepStrictEqual(loaded.config, current.config);
  }

  function fail(error: unknown): void {
    const text = textOf(error);
    if (!complaints.has(text)) {
      reloads.failed++;
      log.error({ err: error }, `the configuration can't be used, and what is served stays as it was: ${text}`);
    }
    complaints = new Set([...complaints, text]);
  }

  function complain(texts: ReadonlySet<string>): void {
    for (const text of texts) if (!complaints.has(text)) log.error(text);
    if (contents !== undefined && [...texts].some((text) => !complaints.has(text))) reloads.failed++;
    complaints = new Set(texts);
  }

  function tellOf({ renewed, gone }: HandlerChanges, codecs: readonly string[], isNew: boolean): void {
    const parts = [...(isNew ? ["the configuration"] : []), ...named("handler", renewed), ...named("codec", codecs)];
    const texts = [
      ...(parts.length > 0 ? [`reloaded ${parts.join(", ")}`] : []),
      ...named("handler", gone).map((text) => `${text} ${gone.length === 1 ? "is" : "are"} gone`),
    ];
    if (texts.length === 0) return;
    reloads.done++;
    log.info(texts.join("; "));
  }

  /** Watches, or no longer, what the configuration and the assembly are made from. */
  function follow({ files, folders }: Assembly): void {
    if (!current.config.watch) {
      watcher?.close();
      watcher = undefined;
      return;
    }
    watcher ??= createWatcher({
      onChange: () => void reload().catch(() => undefined),
      onTrouble: (message) => log.warn(message),
    });
    watcher.watch({ files: [...current.files, ...files], folders });
  }

  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  /** One at a time; however many are asked for while one runs, one more follows it. */
  function reload(): Promise<void> {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        running = reloadNow();
        return running;
      });
    return next;
  }

  async function stop(graceMs: number): Promise<void> {
    const end = performance.now() + graceMs;
    isStopped = true;
    watcher?.close();
    await endpoints.drain(graceMs);
    await close(Math.max(0, end - performance.now()));
  }

  async function close(teardownMs: number): Promise<void> {
    await endpoints.close();
    await registry.close(Math.max(teardownMs, SHORTEST_TEARDOWN_MS));
  }

  return { addresses: endpoints.addresses, config: () => current, stats: () => stats(), start, reload, stop };
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

/** `handler a`, `handlers a and b`, or nothing. */
function named(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}${names.length === 1 ? "" : "s"} ${listed(names)}`];
}

/** All that is wrong and does not stop the rest. */
function complaintsOf({ assembly, problems, setbacks }: Survey): Set<string> {
  const plugins = assembly.broken.map(({ name, message, ...place }) => {
    const goesOn = assembly.handlers.has(name) ? "; its last version that did goes on" : "";
    return `plugin ${name} does not load: ${formatProblem({ ...place, message })}${goesOn}`;
  });
  const codecs = setbacks.map((problem) => `${formatProblem(problem)}; the codec goes on as it was`);
  return new Set([...plugins, ...codecs, ...problems.map(formatProblem)]);
}
