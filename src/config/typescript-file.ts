/** A configuration written in TypeScript, on every Node: bundled and run as a plugin is, afresh each time. */
import { basename, dirname } from "node:path";
import { ConfigError } from "../errors.ts";
import { PluginError } from "../loader/error.ts";
import { runFile } from "../loader/load.ts";

/** The default export of a TypeScript file. Throws {@link ConfigError} with the position of what is wrong in it. */
export async function evaluateTypeScript(file: string): Promise<unknown> {
  const found = { name: basename(file), file, folder: dirname(file) };
  try {
    return await runFile(found, {}, (exported) => Reflect.get(exported, "default"));
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const { name: _, ...problem } = error.problem;
    throw new ConfigError([problem]);
  }
}
