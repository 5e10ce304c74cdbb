/** Runs a handler in the host's own thread: the fastest way, and the one without a wall. */
import type { Body } from "../codecs/codec.ts";
import type { HandlerDefinition } from "../handler.ts";
import { CallContext } from "./context.ts";
import { perform } from "./perform.ts";
import type { Job, Runner } from "./runner.ts";
import { type SetupOptions, setUp } from "./setup.ts";

export interface InlineOptions extends SetupOptions {
  readonly timeoutMs: number;
}

/** Runs `setup` and returns the ready handler. Rejects with what setup threw, or `deadline_exceeded` when it took too long. */
export async function startInline(definition: HandlerDefinition, options: InlineOptions): Promise<Runner> {
  const log = options.log.child({ handler: options.handler });
  const state = await setUp(definition, { ...options, log });
  return {
    timeoutMs: options.timeoutMs,
    run: (job: Job): Body | Promise<Body> =>
      perform(definition, job, new CallContext(job, options.options, state, log)),
    async close(): Promise<void> {
      await definition.teardown?.(state);
    },
  };
}
