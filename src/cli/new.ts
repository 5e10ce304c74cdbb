/** `zmqecho new`: the file of a handler, where the host looks for it. */
import { isAbsolute, join, relative } from "node:path";
import { DEFAULTS, NAME_PATTERN } from "../config/defaults.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { ConfigError } from "../errors.ts";
import { findPlugins, PASSED_OVER } from "../loader/find.ts";
import { endpointOf, isAnyPort } from "./destination.ts";
import { usageError } from "./failure.ts";
import { alreadyThere, writeNewFile } from "./new-file.ts";
import { shellQuoted } from "./shell.ts";
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
  const lines = howToCall(name, loaded, config === undefined ? "" : ` --config ${shellQuoted(config)}`);
  process.stdout.write(`made ${shown(file)}\n${lines.join("\n")}\n`);
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

/** What to run, and what to write into the configuration if no endpoint of it serves the handler. */
function howToCall(name: string, loaded: LoadedConfig, flag: string): string[] {
  const { endpoints } = loaded.config;
  const found = endpointOf(name, endpoints);
  if (found === undefined) {
    const entry = { bind: freeAddress(endpoints), handler: name, codec: "json" };
    return [
      `no endpoint of the configuration serves it yet; to try it: npx zmqecho serve --handler ${name} --codec json${flag}`,
      `to call it: npx zmqecho send ${DEFAULTS.address} '{"a":1}' --codec json`,
      `to keep it, under "endpoints" in ${shown(loaded.file ?? "zmqecho.config.json")}: ${JSON.stringify(name)}: ${JSON.stringify(entry)}`,
    ];
  }
  const [endpoint, { bind, codec }] = found;
  const serves = `endpoint ${endpoint} serves it: npx zmqecho serve${flag}`;
  if (codec === "raw") return [serves, 'its codec raw carries no objects: set "codec" to "json", or return text'];
  // `send` finds no address of one that has none, or another each time.
  if (bind[0] === undefined || isAnyPort(bind[0])) return [serves];
  const named = codec === undefined ? " --codec json" : "";
  return [serves, `to call it: npx zmqecho send --handler ${name} '{"a":1}'${named}${flag}`];
}

/** The default address, or the next port that no endpoint of the configuration binds. */
function freeAddress(endpoints: LoadedConfig["config"]["endpoints"]): string {
  const bound = Object.values(endpoints).flatMap(({ bind }) => bind);
  for (let port = 25933; ; port++) {
    if (!bound.some((address) => address.endsWith(`:${port}`))) return `tcp://127.0.0.1:${port}`;
  }
}

function shown(file: string): string {
  const way = relative(process.cwd(), file);
  return way.startsWith("..") ? file : way;
}
