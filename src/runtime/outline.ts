/** Looks at what a plugin exports without running it in this thread. */
import { DEFAULTS } from "../config/defaults.ts";
import type { Bundle } from "../loader/bundle.ts";
import { PluginError } from "../loader/error.ts";
import type { PluginFile } from "../loader/find.ts";
import type { PluginOutline } from "../loader/shape.ts";
import { errorFromData } from "./link/error-data.ts";
import { startLink, type WorkerKind } from "./link/link.ts";
import type { FromWorker, OutlineMessage } from "./link/messages.ts";
import { type LastWords, lossFrom } from "./pool/loss.ts";
import { limitStart } from "./pool/start-limit.ts";

/**
 * Runs a plugin's code in a worker that is thrown away. Rejects with a `PluginError` as a load in this thread would;
 * a loop that never ends, an exit or a crash is one too.
 * @param timeoutMs for its top-level code
 */
export async function outlineInWorker(
  plugin: PluginFile,
  bundle: Bundle,
  isolation: WorkerKind,
  timeoutMs: number = DEFAULTS.setupTimeoutMs,
): Promise<PluginOutline> {
  try {
    return await look({ kind: "outline", plugin, bundle, timeoutMs }, isolation);
  } catch (error) {
    throw PluginError.of(error, plugin);
  }
}

function look(message: OutlineMessage, isolation: WorkerKind): Promise<PluginOutline> {
  return new Promise((resolve, reject) => {
    let lastWords: LastWords | undefined;
    const link = startLink(isolation, {
      name: message.plugin.name,
      receive,
      ended: (ending) => fail(lossFrom(`loading it in a ${isolation} failed: it`, ending, lastWords)),
    });
    const limit = limitStart({ loadMs: message.timeoutMs }, (text) => fail(new Error(text)));
    link.send(message);

    function receive(answer: FromWorker): void {
      try {
        read(answer);
      } catch (cause) {
        fail(new Error("it sent what is no message", { cause }));
      }
    }

    function read(answer: FromWorker): void {
      if (answer.kind === "running") limit.running();
      else if (answer.kind === "dying") lastWords = answer;
      else if (answer.kind === "failed") fail(errorFromData(answer.error));
      else if (answer.kind === "outline") {
        resolve(answer.outline);
        end();
      }
    }

    function fail(error: unknown): void {
      reject(error);
      end();
    }

    function end(): void {
      limit.done();
      link.kill();
    }
  });
}
