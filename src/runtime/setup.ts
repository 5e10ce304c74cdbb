/** A handler's `setup`, within its time. */
import { ZmqEchoError } from "../errors.ts";
import type { HandlerDefinition, Log } from "../handler.ts";

export interface SetupOptions {
  /** The name it is served under. */
  readonly handler: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** How long `setup` may take, in milliseconds. */
  readonly setupMs: number;
  readonly log: Log;
}

/** What `setup` returned. Rejects with what it threw, or `deadline_exceeded` when it took too long. */
export async function setUp(
  definition: HandlerDefinition,
  { handler, log, setupMs, options }: SetupOptions,
): Promise<unknown> {
  if (definition.setup === undefined) return undefined;
  const state = Promise.resolve(definition.setup({ handler, options, log }));
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ZmqEchoError("deadline_exceeded", `setup of handler ${handler} took over ${setupMs} ms`));
      // What it may still open is nobody's.
      state.then((late) => definition.teardown?.(late)).catch(() => undefined);
    }, setupMs);
  });
  try {
    return await Promise.race([state, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
