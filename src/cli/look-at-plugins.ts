/** For commands that load plugins and end, whatever those do aside; no setup runs. */
import { createAssembler, type Survey } from "../assemble.ts";
import type { LoadedConfig } from "../config/load.ts";
import { firstLine } from "../wording.ts";

/** Loads the plugins of a configuration. From then on nothing they left running keeps the process alive: what is to be said must be said at once. */
export async function lookAtPlugins(loaded: LoadedConfig): Promise<Survey> {
  const release = withstandPlugins();
  return createAssembler().survey(loaded).finally(release);
}

export function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}

/** Plugins run as they are loaded, and what they do aside must not decide how the command ends. */
function withstandPlugins(): () => void {
  process.on("uncaughtException", (error) => warn(`a plugin fails outside of any call: ${firstLine(String(error))}`));
  const ended = (): void => {
    process.stderr.write("zmqecho: a plugin ended the process while it was loaded; take its process.exit() out\n");
    process.exitCode = 2;
  };
  process.once("exit", ended);
  return () => {
    process.off("exit", ended);
    setImmediate(() => process.exit());
  };
}
