/**
 * What threads and processes run. It starts often, so it loads no more than it needs for what it is told first: to
 * look at a plugin, or to run its handler.
 */
import { isMainThread } from "node:worker_threads";
import { evaluate } from "../../loader/evaluate.ts";
import { fullOutlineOf, readShape } from "../../loader/shape.ts";
import { dataFromError } from "../link/error-data.ts";
import type { OutlineMessage, StartMessage, ToWorker } from "../link/messages.ts";
import type { HandlerHere } from "./handler.ts";

const { connect } = await (isMainThread ? import("./in-process.ts") : import("./in-thread.ts"));
const host = connect(receive);

let handler: HandlerHere | undefined;

function receive(message: ToWorker): void {
  switch (message.kind) {
    case "outline":
      void unlessItFails(() => lookAt(message));
      break;
    case "start":
      void unlessItFails(() => start(message));
      break;
    case "call":
      void handler?.answer(message);
      break;
    case "abort":
      handler?.abort(message);
      break;
    case "close":
      void handler?.close();
  }
}

async function unlessItFails(work: () => Promise<void>): Promise<void> {
  try {
    host.send({ kind: "running" });
    await work();
  } catch (error) {
    host.send({ kind: "failed", error: dataFromError(error) });
  }
}

async function lookAt({ plugin, bundle, timeoutMs }: OutlineMessage): Promise<void> {
  const outline = await evaluate(plugin, bundle, { api, timeoutMs }, (exported) => fullOutlineOf(readShape(exported)));
  host.send({ kind: "outline", outline });
}

async function start(message: StartMessage): Promise<void> {
  // First, for the plugin's code turns source maps on, and then each module loads its own.
  const { startHandler } = await import("./handler.ts");
  if (message.loadCodecs) await import("../../codecs/registry.ts");
  const shape = await evaluate(message.plugin, message.bundle, { api }, readShape);
  host.send({ kind: "loaded" });
  handler = await startHandler(message, shape, api, host);
  host.send({ kind: "ready" });
}

async function api(): Promise<object> {
  return (await import("./api.ts")).api;
}

process.on("uncaughtException", (error, origin) => {
  // A plugin that listens too has its own way with them.
  if (process.listenerCount("uncaughtException") > 1) return;
  host.send({ kind: "dying", error: dataFromError(error), origin });
  host.leave(1);
});
