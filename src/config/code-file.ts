/** A configuration written in TypeScript or JavaScript, on every Node: bundled and run as a plugin is, afresh each time. */
import { basename, dirname } from "node:path";
import { ConfigError } from "../errors.ts";
import { PluginError } from "../loader/error.ts";
import { runFile } from "../loader/load.ts";

/** What came of a file of code. */
export interface Evaluated {
  /** Its default export. */
  readonly value: unknown;
  /** All local files it is made of. */
  readonly inputs: readonly string[];
  /** Another one for other code. */
  readonly hash: string;
}

/** Throws {@link ConfigError} with the position of what is wrong in it. */
export async function evaluateCode(file: string): Promise<Evaluated> {
  const found = { name: basename(file), file, folder: dirname(file) };
  try {
    return await runFile(found, {}, (exported, { inputs, hash }) => ({
      value: Reflect.get(exported, "default"),
      inputs,
      hash,
    }));
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    const { name: _, ...problem } = error.problem;
    throw new ConfigError([problem]);
  }
}
