/** A plugin's handler in a worker: set up once, then a call at a time, torn down once. */
import type { Body } from "../../codecs/codec.ts";
import { PluginError } from "../../loader/error.ts";
import type { PluginShape } from "../../loader/shape.ts";
import { isTraced } from "../../tracing/api.ts";
import { CallContext } from "../context.ts";
import { dataFromError, type ErrorData, errorFromData } from "../link/error-data.ts";
import type { AbortMessage, CallMessage, StartMessage } from "../link/messages.ts";
import { perform } from "../perform.ts";
import { setUp } from "../setup.ts";
import { ReceivedCall } from "./call.ts";
import { createWorkerCodecs } from "./codecs.ts";
import type { Connection } from "./connection.ts";
import { createWorkerLog } from "./log.ts";

export interface HandlerHere {
  answer(call: CallMessage): Promise<void>;
  abort(message: AbortMessage): void;
  /** Tears down, and ends this worker. */
  close(): Promise<void>;
}

/** Sets up. Rejects with what `setup` threw. */
export async function startHandler(
  { plugin, bundle, handler, options, setupMs }: StartMessage,
  shape: PluginShape,
  api: () => Promise<object>,
  host: Connection,
): Promise<HandlerHere> {
  const { handler: definition } = shape;
  if (definition === undefined) throw PluginError.of(new Error("it exports no handler"), plugin);
  // The host adds the handler's name to each line.
  const log = createWorkerLog(host);
  const state = await setUp(definition, { handler, options, setupMs, log });
  const codecFor = createWorkerCodecs({ hash: bundle.hash, shape, api });
  let current: ReceivedCall | undefined;
  let over: { readonly id: number; readonly reason: Error } | undefined;

  return {
    async answer(call) {
      const { id } = call;
      try {
        const job = new ReceivedCall(call, handler, await codecFor(call));
        if (call.recipe !== undefined) host.send({ kind: "begun", id });
        if (over?.id === id) throw over.reason;
        current = job;
        const body = await inSpan(job, () => perform(definition, job, new CallContext(job, options, state, log)));
        host.send({ kind: "result", id, body });
      } catch (error) {
        host.send({ kind: "error", id, error: dataFromError(error) });
      }
      current = undefined;
    },

    abort({ id, reason }) {
      over = { id, reason: errorFromData(reason) };
      current?.abort(over.reason);
    },

    async close() {
      let error: ErrorData | undefined;
      try {
        await definition.teardown?.(state);
      } catch (thrown) {
        error = dataFromError(thrown);
      }
      if (isTraced()) await flush();
      host.send({ kind: "closed", error });
      host.leave(0);
    },
  };
}

/** Where the SDK is loaded too, what is made of it may be loaded as well. */
async function inSpan(job: ReceivedCall, run: () => Body | Promise<Body>): Promise<Body> {
  return isTraced() ? (await import("../../tracing/handler-span.ts")).runInSpan(job, run) : run();
}

/** A worker that is asked to end has a second at least. */
const FLUSH_MS = 800;

async function flush(): Promise<void> {
  await (await import("../../tracing/flush.ts")).flushSpans(FLUSH_MS);
}
