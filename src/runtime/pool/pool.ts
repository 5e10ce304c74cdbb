/** The workers of one handler: as many as there is work for, up to a bound, and none when there was none for a while. */
import type { Body } from "../../codecs/codec.ts";
import { textOf, ZmqEchoError } from "../../errors.ts";
import { isHeavy } from "../recipe.ts";
import type { WorkerCounts } from "../runner.ts";
import { type PoolWorker, startWorker, type WorkerJob, type WorkerPlan } from "./pool-worker.ts";

export interface PoolOptions extends WorkerPlan {
  readonly maxWorkers: number;
  /** How long a worker may be idle. */
  readonly idleMs: number;
}

export interface Pool {
  run(job: WorkerJob): Promise<Body>;
  /** Resolves when a worker is ready, and starts one if none lives. Rejects with what went wrong there. */
  warm(): Promise<void>;
  /** Rejects with the first error of a teardown, when all workers have ended. */
  close(withinMs: number): Promise<void>;
  readonly workers: WorkerCounts;
}

/** How long the teardown of a worker may take that was idle for too long. */
const RETIRE_MS = 5_000;

interface Waiting {
  readonly job: WorkerJob;
  readonly resolve: (body: Promise<Body>) => void;
  readonly reject: (error: unknown) => void;
  readonly abort: () => void;
}

export function createPool(options: PoolOptions): Pool {
  const { kind, log, maxWorkers, idleMs } = options;
  const { handler } = options.start;
  const starting = new Set<PoolWorker>();
  const ready = new Set<PoolWorker>();
  const retiring = new Set<PoolWorker>();
  /** Those that are killed in a moment, if their calls don't end: nobody waits for that. */
  const overdue = new Set<PoolWorker>();
  /** Of those that are ready. The one that was used last is taken first, so that the others age. */
  const idle: { readonly worker: PoolWorker; readonly since: number }[] = [];
  const waiting = new Set<Waiting>();
  /** Somebody else tells how their start went. */
  const warming = new WeakSet<PoolWorker>();
  /** Whether any call so far had a codec that workers have to load. */
  let loadCodecs = false;
  let lostSoFar = 0;
  let isClosed = false;
  let aging: NodeJS.Timeout | undefined;

  function run(job: WorkerJob): Promise<Body> {
    const { signal } = job;
    if (signal.aborted) return Promise.reject(signal.reason);
    if (isClosed) return Promise.reject(unavailable("has been closed"));
    loadCodecs ||= isHeavy(job.recipe);
    const worker = idle.pop()?.worker;
    if (worker !== undefined) return worker.run(job);
    return new Promise((resolve, reject) => {
      const entry: Waiting = { job, resolve, reject, abort: () => takeOut(entry).reject(signal.reason) };
      waiting.add(entry);
      signal.addEventListener("abort", entry.abort);
      startForWaiting();
    });
  }

  function takeOut(entry: Waiting): Waiting {
    waiting.delete(entry);
    entry.job.signal.removeEventListener("abort", entry.abort);
    return entry;
  }

  function startForWaiting(): void {
    if (waiting.size > starting.size) start();
  }

  /** Starts one more if there may be one more. */
  function start(): PoolWorker | undefined {
    if (isClosed || starting.size + ready.size >= maxWorkers) return undefined;
    try {
      const worker = startWorker(
        { ...options, start: { ...options.start, loadCodecs } },
        { free, overdue: late, lost },
      );
      starting.add(worker);
      return worker;
    } catch (error) {
      notStarted(error);
      return undefined;
    }
  }

  function free(worker: PoolWorker): void {
    if (overdue.delete(worker) && starting.size + ready.size >= maxWorkers) {
      // Another one has taken its place meanwhile.
      void retire(worker);
      return;
    }
    starting.delete(worker);
    ready.add(worker);
    const [next] = waiting;
    if (next !== undefined) {
      takeOut(next).resolve(worker.run(next.job));
      return;
    }
    idle.push({ worker, since: performance.now() });
    aging ??= setTimeout(age, idleMs).unref();
  }

  function late(worker: PoolWorker): void {
    ready.delete(worker);
    overdue.add(worker);
    startForWaiting();
  }

  function lost(worker: PoolWorker, error: Error): void {
    lostSoFar++;
    overdue.delete(worker);
    if (starting.delete(worker)) {
      notStarted(error, worker);
      return;
    }
    ready.delete(worker);
    const place = idle.findIndex((entry) => entry.worker === worker);
    if (place >= 0) {
      idle.splice(place, 1);
      log.warn({ err: error }, `${error.message}; it was idle`);
    }
    // One that dies without a call would do so again, and again.
    if (worker.calls() > 0 && starting.size === 0) start();
    startForWaiting();
  }

  /** Calls wait on as long as there is another worker. None is started now: the next call is the next attempt. */
  function notStarted(error: unknown, worker?: PoolWorker): void {
    const isTold = worker !== undefined && warming.has(worker) && waiting.size === 0;
    if (!isTold) log.error({ err: error }, `a worker (${kind}) of handler ${handler} did not start: ${textOf(error)}`);
    if (starting.size + ready.size + overdue.size > 0) return;
    for (const entry of waiting)
      takeOut(entry).reject(unavailable("does not start; the host's log has the cause", error));
  }

  function unavailable(what: string, cause?: unknown): ZmqEchoError {
    return new ZmqEchoError("unavailable", `handler ${JSON.stringify(handler)} ${what}`, { cause });
  }

  /** Those used longest ago come first. */
  function age(): void {
    aging = undefined;
    for (let oldest = idle[0]; oldest !== undefined; oldest = idle[0]) {
      const leftMs = oldest.since + idleMs - performance.now();
      if (leftMs > 0) {
        aging = setTimeout(age, leftMs).unref();
        return;
      }
      idle.shift();
      void retire(oldest.worker);
    }
  }

  async function retire(worker: PoolWorker): Promise<void> {
    ready.delete(worker);
    retiring.add(worker);
    await worker.close(RETIRE_MS).catch(teardownFailed);
    retiring.delete(worker);
  }

  function teardownFailed(err: unknown): void {
    log.error({ err }, `teardown of ${handler} failed: ${textOf(err)}`);
  }

  async function warm(): Promise<void> {
    if (ready.size > 0) return;
    const [worker = start()] = starting;
    if (worker === undefined) throw unavailable("has been closed");
    warming.add(worker);
    await worker.ready;
  }

  async function close(withinMs: number): Promise<void> {
    isClosed = true;
    clearTimeout(aging);
    idle.length = 0;
    for (const entry of waiting) takeOut(entry).reject(unavailable("has been closed"));
    // What they have to say of those, they say where they were asked first.
    const others = [...retiring].map((worker) => worker.close(withinMs).catch(() => {}));
    const results = await Promise.allSettled(
      [...starting, ...ready, ...overdue].map((worker) => worker.close(withinMs)),
    );
    await Promise.all(others);
    starting.clear();
    ready.clear();
    overdue.clear();
    const [first, ...more] = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
    more.forEach(teardownFailed);
    if (first !== undefined) throw first;
  }

  return {
    run,
    warm,
    close,
    workers: { live: () => starting.size + ready.size + overdue.size + retiring.size, lost: () => lostSoFar },
  };
}
