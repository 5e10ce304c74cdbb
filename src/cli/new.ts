/** `zmqecho new`: the file of a handler, where the host looks for it. */
import { isAbsolute, join, relative } from "node:path";
import { NAME_PATTERN } from "../config/defaults.ts";
import { handlerMatcher } from "../config/handler-patterns.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { ConfigError } from "../errors.ts";
import { findPlugins, PASSED_OVER } from "../loader/find.ts";
import { usageError } from "./failure.ts";
import { alreadyThere, writeNewFile } from "./new-file.ts";
import { NEW_HANDLER } from "./templates.ts";

export interface NewFlags {
  readonly config?: string;
  readonly js?: boolean;
}

/**
 * Makes the file and says how it is called. Throws a usage error for a name that can't be one, a ConfigError if no plugins
 * folder is configured, and `already_exists` if any plugin of the configuration has the name; the shipped ones give way.
 */
export async function newHandler(name: string, { config, js = false }: NewFlags): Promise<void> {
  const fileName = `${name}.${js ? "js" : "ts"}`;
  checkName(name, fileName);
  const loaded = await loadConfig(config === undefined ? {} : { file: config });
  const folder = loaded.config.plugins.find((entry) => isAbsolute(entry));
  if (folder === undefined) {
    const message =
      'no entry is a folder (one starts with . or /); add one for handlers of your own, such as "./plugins"';
    throw new ConfigError([loaded.problem(["plugins"], message)]);
  }
  const taken = await fileOf(name, loaded);
  if (taken !== undefined) throw alreadyThere([shown(taken)]);
  const file = join(folder, fileName);
  await writeNewFile(file, NEW_HANDLER);
  process.stdout.write(`made ${shown(file)}\n${howToCall(name, loaded)}\n`);
}

function checkName(name: string, fileName: string): void {
  if (!NAME_PATTERN.test(name)) {
    throw usageError(
      `${JSON.stringify(name)} is no name of a handler; use letters, digits, "_", "." and "-", a letter or digit first`,
    );
  }
  const ending = /\.[cm]?[jt]s$/.exec(name)?.[0];
  if (ending !== undefined) throw usageError(`leave out the ending: ${name.slice(0, -ending.length)}`);
  if (PASSED_OVER.test(fileName)) {
    throw usageError(
      `${fileName} would be passed over as no plugin; choose a name without .test, .spec and a final .d`,
    );
  }
}

/** The file that has the name, whatever is wrong with it; undefined if none has, or one that comes with this package. */
async function fileOf(name: string, { config, folder }: LoadedConfig): Promise<string | undefined> {
  const [found, shipped] = await Promise.all([findPlugins(config.plugins, { folder }), findPlugins([], { folder })]);
  const file = found.plugins.get(name)?.file ?? found.problems.find((problem) => problem.name === name)?.file;
  return file === shipped.plugins.get(name)?.file ? undefined : file;
}

function howToCall(name: string, { config }: LoadedConfig): string {
  const found = Object.entries(config.endpoints).find(([, endpoint]) =>
    handlerMatcher(endpoint.handlers ?? [endpoint.handler])(name),
  );
  if (found !== undefined) return `endpoint ${found[0]} serves it: npx zmqecho serve`;
  return `no endpoint of the configuration serves it yet; to try it: npx zmqecho serve --handler ${name} --codec json`;
}

function shown(file: string): string {
  const way = relative(process.cwd(), file);
  return way.startsWith("..") ? file : way;
}
