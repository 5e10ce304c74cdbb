/** A configuration written in TypeScript or JavaScript, on every Node: bundled and run as a plugin is, afresh each time. */
import { basename, dirname } from "node:path";
import { ConfigError } from "../errors.ts";
import { PluginError } from "../loader/error.ts";
import { runFile } from "../loader/load.ts";

/** The default export of a file of code, and all local files it is made of. Throws {@link ConfigError} with the position of what is wrong in it. */
export async function evaluateCode(
  file: string,
): Promise<{ readonly value: unknown; readonly inputs: readonly string[] }> {
  const found = { name: basename(file), file, folder: dirname(file) };
  try {
    return await runFile(found, {}, (exported, { inputs }) => ({ value: Reflect.get(exported, "default"), inputs }));
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const { name: _, ...problem } = error.problem;
    throw new ConfigError([problem]);
  }
}
