/** From a handler's name to the handler that is ready to be called. */
import { DEFAULTS } from "../config/defaults.ts";
import type { HandlerConfig } from "../config/effective.ts";
import { textOf } from "../errors.ts";
import type { HandlerDefinition, Log } from "../handler.ts";
import { startInline } from "../runtime/inline.ts";
import type { Runner } from "../runtime/runner.ts";

/** What a handler's name stands for just now. */
export type HandlerSlot =
  | { readonly state: "ready"; readonly runner: Runner }
  /** It is there, but its plugin does not load, or its setup failed. */
  | { readonly state: "broken" };

export interface HandlerRegistry {
  /** Undefined for a name that nothing stands behind. Safe with a name from the wire. */
  find(name: string): HandlerSlot | undefined;
  /** Tears all of them down; call it when no call runs any more. */
  close(withinMs: number): Promise<void>;
}

export interface RegistryOptions {
  /** What the plugins define, by the plugin's name. */
  readonly definitions: ReadonlyMap<string, HandlerDefinition>;
  /** Plugins that are there and do not load. */
  readonly broken: ReadonlySet<string>;
  /** Whether some endpoint serves that name; the others are not set up. */
  readonly serves: (name: string) => boolean;
  /** `handlers` of the config. */
  readonly settings: Readonly<Record<string, Partial<HandlerConfig>>>;
  readonly log: Log;
}

/** Sets every handler that is served up, all at once. One whose setup fails is logged and broken; the others work. */
export async function createRegistry(options: RegistryOptions): Promise<HandlerRegistry> {
  const { definitions, broken, serves, settings, log } = options;
  const slots = new Map<string, HandlerSlot>();
  const names = new Set([...definitions.keys(), ...broken, ...Object.keys(settings)]);
  await Promise.all(
    [...names].filter(serves).map(async (name) => {
      const own = settings[name] ?? {};
      const definition = definitions.get(own.plugin ?? name);
      slots.set(name, definition === undefined ? { state: "broken" } : await start(name, definition, own, log));
    }),
  );
  return {
    find: (name) => slots.get(name),
    async close(withinMs) {
      const closing = [...slots].map(async ([handler, slot]) => {
        if (slot.state === "broken") return;
        await slot.runner
          .close()
          .catch((err: unknown) => log.error({ handler, err }, `teardown of ${handler} failed: ${textOf(err)}`));
        slots.delete(handler);
      });
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          log.error({ handlers: [...slots.keys()] }, `teardown took over ${withinMs} ms and is not waited for`);
          resolve();
        }, withinMs);
      });
      await Promise.race([Promise.all(closing), late]);
      clearTimeout(timer);
    },
  };
}

/** Milliseconds from the read of a request to its deadline: what the config says, or the plugin, or the default. */
export function timeoutOf(definition: HandlerDefinition, own: Partial<HandlerConfig> = {}): number {
  return own.timeoutMs ?? definition.timeoutMs ?? DEFAULTS.handlerTimeoutMs;
}

async function start(
  handler: string,
  definition: HandlerDefinition,
  own: Partial<HandlerConfig>,
  log: Log,
): Promise<HandlerSlot> {
  const timeoutMs = timeoutOf(definition, own);
  const options = own.options ?? {};
  try {
    const runner = await startInline(definition, {
      handler,
      options,
      timeoutMs,
      setupMs: DEFAULTS.setupTimeoutMs,
      log,
    });
    return { state: "ready", runner };
  } catch (err) {
    log.error({ handler, err }, `setup of handler ${handler} failed: ${textOf(err)}`);
    return { state: "broken" };
  }
}
