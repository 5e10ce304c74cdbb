/** Looks at what a plugin exports without running it in this thread. */
import type { Bundle } from "../loader/bundle.ts";
import { PluginError } from "../loader/error.ts";
import type { PluginFile } from "../loader/find.ts";
import type { PluginOutline } from "../loader/shape.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { errorFromData } from "./error-data.ts";
import { startLink, type WorkerKind } from "./link.ts";
import { type LastWords, lossFrom } from "./loss.ts";
import type { FromWorker } from "./messages.ts";
import { limitStart } from "./start-limit.ts";

/**
 * Runs a plugin's code in a worker that is thrown away. Rejects with a `PluginError` as a load in this thread would;
 * a loop that never ends, an exit or a crash is one too.
 */
export function outlineInWorker(
  plugin: PluginFile,
  bundle: Bundle,
  isolation: WorkerKind,
  timeoutMs: number = DEFAULTS.setupTimeoutMs,
): Promise<PluginOutline> {
  return new Promise<PluginOutline>((resolve, reject) => {
    let lastWords: LastWords | undefined;
    const limit = limitStart({ loadMs: timeoutMs }, (text) => fail(new Error(text)));

    function fail(error: unknown): void {
      reject(PluginError.of(error, plugin));
      end();
    }
    function end(): void {
      limit.done();
      link.kill();
    }
    function receive(message: FromWorker): void {
      if (message.kind === "running") limit.running();
      else if (message.kind === "failed") fail(errorFromData(message.error));
      else if (message.kind === "dying") lastWords = message;
      else if (message.kind === "outline") {
        resolve(message.outline);
        end();
      }
    }
    const link = startLink(isolation, {
      name: plugin.name,
      receive,
      ended: (ending) => fail(lossFrom(`loading it in a ${isolation} failed: it`, ending, lastWords)),
    });
    link.send({ kind: "outline", plugin, bundle, timeoutMs });
  });
}
