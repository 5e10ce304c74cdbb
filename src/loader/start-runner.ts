/** From what defines a handler to what runs its calls. */
import { DEFAULTS } from "../config/defaults.ts";
import type { HandlerConfig } from "../config/effective.ts";
import type { HandlerDefinition, Log } from "../handler.ts";
import { startInline } from "../runtime/inline.ts";
import { createIsolatedRunner } from "../runtime/isolated.ts";
import type { Runner } from "../runtime/runner.ts";
import { fileOf, type Plugin } from "./load.ts";
import { isolationOf, poolOf, timeoutOf } from "./run-settings.ts";
import type { HandlerOutline } from "./shape.ts";

/** What a plugin or the embedding code defines. One of the two ways to run it is there at least. */
export interface HandlerSource {
  readonly outline: HandlerOutline;
  /** Runs in this thread. */
  readonly definition?: HandlerDefinition;
  /** Runs in workers. */
  readonly plugin?: Plugin;
}

/**
 * Sets it up here, or makes a pool for it. Rejects with what the setup failed of.
 * @param warm start a worker now, so that a setup that fails shows before anything is replaced
 */
export async function startRunner(
  handler: string,
  { outline, definition, plugin }: HandlerSource,
  own: Partial<HandlerConfig>,
  log: Log,
  warm: boolean,
): Promise<Runner> {
  const shared = {
    handler,
    options: own.options ?? {},
    timeoutMs: timeoutOf(outline, own),
    setupMs: DEFAULTS.setupTimeoutMs,
    log,
  };
  const isolation = isolationOf(outline, own);
  if (isolation === "inline") {
    if (definition === undefined) throw new Error("it is loaded in workers only");
    return startInline(definition, shared);
  }
  if (plugin === undefined) throw new Error(`it is given in code, so it can't run in a ${isolation}`);
  const walls = { isolation, plugin: fileOf(plugin), bundle: plugin.bundle, pool: poolOf(own) };
  const runner = createIsolatedRunner({ ...shared, ...walls });
  try {
    if (warm) await runner.warm();
  } catch (error) {
    await runner.close(0);
    throw error;
  }
  return runner;
}
