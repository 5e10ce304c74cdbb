/** `zmqecho check`: everything that `serve` would find out before it opens a socket, and what will hurt later. */
import { loadConfigWithNames } from "../config/load.ts";
import { ConfigError, formatProblem } from "../errors.ts";
import { namesBeside } from "../loader/names.ts";
import { listed } from "../wording.ts";
import { lookAtPlugins, warn } from "./look-at-plugins.ts";
import { warningsFor } from "./warnings.ts";

export interface CheckFlags {
  readonly config?: string;
}

/**
 * Loads the configuration and its plugins; no setup runs. Warnings go to stderr, one summary line to stdout.
 * Throws a ConfigError (2) with all that is wrong.
 */
export async function check({ config: file }: CheckFlags): Promise<void> {
  const loaded = await loadConfigWithNames(file === undefined ? {} : { file }, namesBeside());
  const { assembly, problems, setbacks } = await lookAtPlugins(loaded);
  for (const warning of [...warningsFor(loaded, assembly), ...setbacks]) warn(formatProblem(warning));
  if (problems.length > 0) throw new ConfigError(problems);
  const endpoints = Object.keys(loaded.config.endpoints);
  const handlers = new Set([...assembly.handlers.keys(), ...Object.keys(loaded.config.handlers)]);
  for (const { name } of assembly.broken) handlers.delete(name);
  const facts = [counted("endpoint", endpoints), counted("handler", [...handlers])].join(", ");
  process.stdout.write(`${loaded.file ?? "no config file, so the defaults"}: ok: ${facts}\n`);
}

const MOST_NAMED = 20;

/** `2 handlers (echo and vat)`. */
function counted(what: string, names: readonly string[]): string {
  const shown =
    names.length > MOST_NAMED ? [...names.slice(0, MOST_NAMED), `${names.length - MOST_NAMED} more`] : names;
  return `${names.length} ${what}${names.length === 1 ? "" : "s"} (${listed(shown)})`;
}
