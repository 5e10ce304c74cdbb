/** The handlers of a configuration, without a host. */
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../errors.ts";
import { describeHandler, handlersOf, listOf } from "../introspection.ts";
import type { HandlerDescription, HandlerList } from "../wire/introspection.ts";
import { suggestion } from "../wording.ts";
import { usageError } from "./failure.ts";
import { lookAtPlugins, warn } from "./look-at-plugins.ts";

/** As a host tells it to an endpoint that serves all there is, under the limits of the whole configuration. */
export interface LocalHandlers {
  list(): HandlerList;
  /** Throws a usage error for a handler that there is not. */
  describe(name: string): HandlerDescription;
}

/**
 * What is wrong is told on stderr, and the rest is there all the same. Nothing can be waited for afterwards.
 * Throws a ConfigError for a configuration that can't be read.
 */
export async function loadHandlers(file: string | undefined): Promise<LocalHandlers> {
  const loaded = await loadConfig(file === undefined ? {} : { file });
  const { assembly, problems } = await lookAtPlugins(loaded);
  for (const { name, message, ...place } of assembly.broken)
    warn(`plugin ${name} does not load: ${formatProblem({ ...place, message })}`);
  for (const problem of problems) warn(formatProblem(problem));
  const { config } = loaded;
  const handlers = handlersOf(config, assembly);
  const setting = { config, assembly, limits: config.limits };
  return {
    list: () => listOf(handlers, assembly),
    describe(name) {
      const names = handlers.map((each) => each.name);
      if (names.includes(name)) return describeHandler(handlers, name, setting);
      throw usageError(`there is no handler ${JSON.stringify(name)}${suggestion(name, names)}`);
    },
  };
}
