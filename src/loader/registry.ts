/** From a handler's name to what answers to it: set up, replaced and torn down while calls run. */
import { isDeepStrictEqual } from "node:util";
import { DEFAULTS } from "../config/defaults.ts";
import type { HandlerConfig } from "../config/effective.ts";
import { settledWithin } from "../durations.ts";
import { textOf } from "../errors.ts";
import type { Log } from "../handler.ts";
import type { Runner } from "../runtime/runner.ts";
import { concurrencyOf } from "./run-settings.ts";
import { HandlerSlot, type HandlerVersion } from "./slot.ts";
import { type HandlerSource, startRunner } from "./start-runner.ts";

/** What the registry should hold. */
export interface RegistryContents {
  /** By the plugin's name. */
  readonly sources: ReadonlyMap<string, HandlerSource>;
  /** Plugins that are there and do not load. */
  readonly broken: ReadonlySet<string>;
  /** Whether some endpoint serves that name; the others are not set up. */
  readonly serves: (name: string) => boolean;
  /** `handlers` of the config. */
  readonly settings: Readonly<Record<string, HandlerConfig>>;
}

/** Names of handlers, sorted. */
export interface HandlerChanges {
  /** Those that have a new version, or a first one. */
  readonly renewed: readonly string[];
  readonly gone: readonly string[];
  /** Those whose setup failed, unless it had failed in the same way before. */
  readonly failed: readonly string[];
}

export interface HandlerRegistry {
  /** Undefined for a name that nothing stands behind. Safe with a name from the wire. */
  find(name: string): HandlerSlot | undefined;
  slots(): Iterable<HandlerSlot>;
  /** What the version that answers was made from; undefined while there is none. */
  madeFrom(slot: HandlerSlot): Pick<Made, "source" | "settings"> | undefined;
  /**
   * Sets up what is new or has changed, all at once, and lets go of what is gone; calls that run end on the version they
   * began on, and that is torn down then. One whose setup fails is logged, and its earlier version goes on; each time
   * it is tried again.
   */
  apply(contents: RegistryContents): Promise<HandlerChanges>;
  /** Tears all of them down; call it when no call runs any more. */
  close(withinMs: number): Promise<void>;
}

/** A version with what it was made from. */
interface Made extends HandlerVersion {
  readonly source: HandlerSource;
  readonly settings: Partial<HandlerConfig>;
}

/** What goes while the host runs may take this long to tear down, as at a stop. */
const TEARDOWN_MS = DEFAULTS.shutdown.graceMs;

/** Of a version: as much of the hash as the names of its frames have in a stack. */
const ID_LENGTH = 8;

/** For workers that are killed, to be gone. */
const KILLED_MS = 2000;

export function createRegistry(log: Log): HandlerRegistry {
  const slots = new Map<string, HandlerSlot>();
  /** Slots of handlers that are gone and whose calls still run: one that returns goes on in its slot. */
  const fading = new Map<string, HandlerSlot>();
  const versions = new Map<HandlerSlot, Made>();
  /** Of the setups that failed last, what has been said of it. */
  const complaints = new Map<HandlerSlot, string>();
  /** Torn down or about to be, by the handler's name. */
  const closing = new Map<Promise<void>, string>();
  let isClosed = false;

  function retire(slot: HandlerSlot, idle: (version: Made) => Promise<void> | undefined, withinMs: number): void {
    const version = versions.get(slot);
    versions.delete(slot);
    if (version === undefined) return;
    slot.leaving.add(version);
    const closed = Promise.resolve(idle(version))
      .then(() => settledWithin(version.runner.close(withinMs), withinMs + KILLED_MS))
      .then((isClosed) => {
        if (!isClosed)
          log.error({ handler: slot.name }, `teardown of ${slot.name} took over ${withinMs} ms and is not waited for`);
      })
      .catch((err: unknown) => {
        log.error({ handler: slot.name, err }, `teardown of ${slot.name} failed: ${textOf(err)}`);
      })
      .then(() => {
        slot.left(version);
        closing.delete(closed);
      });
    closing.set(closed, slot.name);
  }

  async function replace(
    slot: HandlerSlot,
    source: HandlerSource,
    settings: Partial<HandlerConfig>,
  ): Promise<"renewed" | "failed" | undefined> {
    const before = versions.get(slot);
    const said = complaints.get(slot);
    complaints.delete(slot);
    if (before !== undefined && isSame(before.source, source) && isDeepStrictEqual(before.settings, settings))
      return undefined;
    let runner: Runner;
    try {
      runner = await startRunner(slot.name, source, settings, log, before !== undefined);
    } catch (err) {
      const goesOn = before === undefined ? "" : "; the version before it goes on";
      const complaint = `setup of handler ${slot.name} failed: ${textOf(err)}${goesOn}`;
      complaints.set(slot, complaint);
      if (complaint === said) return undefined;
      log.error({ handler: slot.name, err }, complaint);
      return "failed";
    }
    if (isClosed) {
      // The host stopped meanwhile.
      await runner.close(0).catch(() => undefined);
      return undefined;
    }
    const version: Made = { runner, id: source.plugin?.bundle.hash.slice(0, ID_LENGTH), running: 0, source, settings };
    retire(slot, whenIdle, TEARDOWN_MS);
    versions.set(slot, version);
    slot.version = version;
    slot.concurrency = concurrencyOf(source.outline, settings);
    slot.wake();
    return "renewed";
  }

  async function apply({ sources, broken, serves, settings }: RegistryContents): Promise<HandlerChanges> {
    for (const [name, { running }] of fading) if (running === 0) fading.delete(name);
    const names = new Set([...sources.keys(), ...broken, ...Object.keys(settings)].filter(serves));
    const came: { readonly renewed: string[]; readonly failed: string[] } = { renewed: [], failed: [] };
    const gone: string[] = [];
    await Promise.all(
      [...names].map(async (name) => {
        const own: Partial<HandlerConfig> = settings[name] ?? {};
        const plugin = own.plugin ?? name;
        const source = sources.get(plugin);
        if (source === undefined && !broken.has(plugin)) {
          names.delete(name);
          return;
        }
        const slot = slots.get(name) ?? fading.get(name) ?? new HandlerSlot(name);
        if (source !== undefined) {
          const became = await replace(slot, source, own);
          if (became !== undefined) came[became].push(name);
        }
        slots.set(name, slot);
      }),
    );
    for (const [name, slot] of slots) {
      if (names.has(name)) continue;
      slots.delete(name);
      if (slot.running > 0) fading.set(name, slot);
      slot.version = undefined;
      // Calls that wait are told.
      slot.concurrency = Number.POSITIVE_INFINITY;
      slot.wake();
      retire(slot, whenIdle, TEARDOWN_MS);
      complaints.delete(slot);
      gone.push(name);
    }
    return { renewed: came.renewed.sort(), gone: gone.sort(), failed: came.failed.sort() };
  }

  async function close(withinMs: number): Promise<void> {
    isClosed = true;
    for (const slot of slots.values()) retire(slot, () => undefined, withinMs);
    slots.clear();
    if (await settledWithin(Promise.all(closing.keys()), withinMs)) return;
    log.error({ handlers: [...closing.values()] }, `teardown took over ${withinMs} ms and is not waited for`);
  }

  return {
    find: (name) => slots.get(name),
    slots: () => slots.values(),
    madeFrom: (slot) => versions.get(slot),
    apply,
    close,
  };
}

function whenIdle(version: Made): Promise<void> | undefined {
  if (version.running === 0) return undefined;
  return new Promise((resolve) => {
    version.onIdle = resolve;
  });
}

function isSame(one: HandlerSource, other: HandlerSource): boolean {
  return (
    one.definition === other.definition &&
    one.plugin?.file === other.plugin?.file &&
    one.plugin?.bundle.hash === other.plugin?.bundle.hash
  );
}
