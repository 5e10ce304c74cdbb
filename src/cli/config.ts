/** `zmqecho config`: the configuration that is in effect, without secrets. */
import { loadConfig } from "../config/load.ts";
import { describeConfig, printConfig } from "../config/print.ts";

export interface ConfigFlags {
  readonly config?: string;
  readonly output: "text" | "json";
}

/** Throws a ConfigError (2) with all that is wrong in the configuration. */
export async function config({ config: file, output }: ConfigFlags): Promise<void> {
  const loaded = await loadConfig(file === undefined ? {} : { file });
  const text = output === "json" ? `${JSON.stringify(describeConfig(loaded), null, 2)}\n` : printConfig(loaded);
  process.stdout.write(text);
}
