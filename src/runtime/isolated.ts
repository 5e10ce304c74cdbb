/** Runs a handler behind a wall: in threads or processes, which may loop, crash and be killed without harm to the host. */
import { serialize } from "node:v8";
import { textOf, ZmqEchoError } from "../errors.ts";
import type { Bundle } from "../loader/bundle.ts";
import type { PluginFile } from "../loader/find.ts";
import type { WorkerKind } from "./link/link.ts";
import { createPool } from "./pool/pool.ts";
import type { WorkerJob } from "./pool/pool-worker.ts";
import type { Job, Runner, WorkerCounts } from "./runner.ts";
import type { SetupOptions } from "./setup.ts";

export interface IsolatedOptions extends SetupOptions {
  readonly isolation: WorkerKind;
  /** For the positions of errors. */
  readonly plugin: PluginFile;
  readonly bundle: Bundle;
  readonly timeoutMs: number;
  readonly pool: {
    readonly maxWorkers: number;
    /** How long a worker may be idle before it is closed. */
    readonly idleMs: number;
    /** Of the heap of each worker. */
    readonly memoryMb: number;
  };
}

export interface IsolatedRunner extends Runner {
  readonly workers: WorkerCounts;
  /** Starts a worker if none lives: loads and sets up. Rejects with what goes wrong there. */
  warm(): Promise<void>;
}

/**
 * A runner that starts nothing before its first call. Its `run` rejects with `unimplemented` for a codec that is given
 * in code, with `unavailable` if no worker starts, and with an Error that says so when the worker of the call was lost.
 * Throws `invalid_argument` for options that can't be handed over.
 */
export function createIsolatedRunner(given: IsolatedOptions): IsolatedRunner {
  const { handler, isolation, plugin, bundle, setupMs, timeoutMs, pool: settings } = given;
  const start = { kind: "start", plugin, bundle, handler, options: copyOf(given), setupMs, loadCodecs: false } as const;
  const log = given.log.child({ handler });
  const { memoryMb, maxWorkers, idleMs } = settings;
  const pool = createPool({ kind: isolation, start, memoryMb, maxWorkers, idleMs, log });

  return {
    timeoutMs,
    workers: pool.workers,
    warm: pool.warm,
    run(job) {
      if (hasRecipe(job)) return pool.run(job);
      const text = `codec ${quoted(job.codec.name)} is given in code, and handler ${quoted(handler)} runs in a ${isolation}`;
      return Promise.reject(new ZmqEchoError("unimplemented", text));
    },
    close: pool.close,
  };
}

/** Options as a worker gets them, whatever becomes of the original later. */
function copyOf({ handler, isolation, options }: IsolatedOptions): IsolatedOptions["options"] {
  try {
    if (isolation === "process") serialize(options);
    return structuredClone(options);
  } catch (error) {
    const text = `the options of handler ${quoted(handler)} can't be handed to a ${isolation}: ${textOf(error)}`;
    throw new ZmqEchoError("invalid_argument", text, { cause: error });
  }
}

function hasRecipe(job: Job): job is WorkerJob {
  return job.recipe !== undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
