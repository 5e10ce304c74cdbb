/** Runs a handler in the host's own thread: the fastest way, and the one without a wall. */
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import type { HandlerContext, HandlerDefinition, Log, Metadata } from "../handler.ts";
import { perform } from "./perform.ts";
import type { Job, Runner } from "./runner.ts";

export interface InlineOptions {
  /** The name it is served under. */
  readonly handler: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  /** How long `setup` may take, in milliseconds. */
  readonly setupMs: number;
  readonly log: Log;
}

/** Runs `setup` and returns the ready handler. Rejects with what setup threw, or `deadline_exceeded` when it took too long. */
export async function startInline(definition: HandlerDefinition, options: InlineOptions): Promise<Runner> {
  const log = options.log.child({ handler: options.handler });
  const state = await setUp(definition, { ...options, log });
  return {
    timeoutMs: options.timeoutMs,
    run: (job: Job): Body | Promise<Body> =>
      perform(definition, job, new InlineContext(job, options.options, state, log)),
    async close(): Promise<void> {
      await definition.teardown?.(state);
    },
  };
}

async function setUp(
  definition: HandlerDefinition,
  { handler, log, setupMs, options }: InlineOptions,
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

/** The parts that cost something are made when a handler first asks for them. */
class InlineContext implements HandlerContext {
  readonly options: Readonly<Record<string, unknown>>;
  readonly state: unknown;
  readonly #job: Job;
  readonly #log: Log;

  constructor(job: Job, options: Readonly<Record<string, unknown>>, state: unknown, log: Log) {
    this.#job = job;
    this.options = options;
    this.state = state;
    this.#log = log;
  }

  get handler(): string {
    return this.#job.handler;
  }
  get endpoint(): string {
    return this.#job.endpoint;
  }
  get codec(): string {
    return this.#job.codec.name;
  }
  get requestId(): string {
    return this.#job.requestId;
  }
  get metadata(): Metadata {
    return this.#job.metadata;
  }
  get deadline(): number {
    return this.#job.deadline;
  }
  get signal(): AbortSignal {
    return this.#job.signal;
  }
  get log(): Log {
    return this.#log.child({ requestId: this.#job.requestId });
  }
}
