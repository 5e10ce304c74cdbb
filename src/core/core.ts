/**
 * The one place where every request gets exactly one reply. A call comes in as bytes and leaves as an outcome, whatever
 * its body, its handler or the host's state make of it: `call` settles once and never throws.
 */
import type { Body } from "../codecs/codec.ts";
import { createCallCounter } from "../counts.ts";
import type { Deadline, Deadlines } from "../deadlines.ts";
import type { Log } from "../handler.ts";
import type { HandlerSlot, HandlerVersion } from "../loader/slot.ts";
import type { ServedCodec } from "../runtime/recipe.ts";
import { NO_METADATA } from "../wire/json-frames.ts";
import { bytesOf } from "../wire/limits.ts";
import type { Call, CallHook, Core, Outcome } from "./call.ts";
import { createReporter, loggable } from "./failure.ts";
import { createHooks } from "./hooks.ts";
import { createIdleWait } from "./idle-wait.ts";
import { createRaces } from "./race.ts";
import { broken, draining, full, noCodec, noHandler, tooLate } from "./refusals.ts";
import { RunningCall } from "./running-call.ts";
import { createFairQueue } from "./waiting.ts";

export interface CoreOptions extends CoreSettings {
  /** Undefined for a name that never loaded, or is gone. */
  readonly findHandler: (name: string) => HandlerSlot | undefined;
  readonly deadlines: Deadlines;
  readonly newRequestId: () => string;
  readonly log: Log;
}

/** What may change while calls run. */
export interface CoreSettings {
  /** Whether this endpoint serves handlers of that name. */
  readonly allows: (handler: string) => boolean;
  readonly findCodec: (name: string) => ServedCodec | undefined;
  /** How many calls run at once. */
  readonly concurrency: number;
  /** How many more may wait. */
  readonly queue: number;
  /** Told of each call that comes and of each that ends, from now on. */
  readonly hooks: readonly CallHook[];
}

export interface ConfigurableCore extends Core {
  /** For calls that come from now on, and for those that wait. */
  configure(settings: CoreSettings): void;
}

/** One that waits for a place. */
interface Waiting {
  readonly job: RunningCall;
  readonly peer: string;
  readonly slot: HandlerSlot;
  readonly places: number;
  readonly answer: (outcome: Outcome | Promise<Outcome>) => void;
  readonly unwatch: () => void;
}

export function createCore(options: CoreOptions): ConfigurableCore {
  const { deadlines, findHandler, newRequestId } = options;
  const reporter = createReporter(options.log, newRequestId);
  let hooks = createHooks(options.hooks, reporter.hookFailed);
  const counter = createCallCounter();
  const waiting = createFairQueue<HandlerSlot, Waiting>();
  const races = createRaces({ deadlines, succeeded, failed: (job, error) => failed(job.call, error, job), dropped });
  let settings: CoreSettings = options;
  let running = 0;
  let refused = 0;
  let refilling = false;
  /** Why calls are refused, from the start of a drain on. */
  let closing: string | undefined;
  const idle = createIdleWait(() => running === 0 && waiting.size === 0);

  function admit(call: Call): Outcome | Promise<Outcome> {
    hooks?.started?.(call);
    let job: RunningCall;
    try {
      job = prepare(call);
    } catch (error) {
      return failed(call, error);
    }
    return running < settings.concurrency && job.slot.hasPlace() ? run(job) : wait(job);
  }

  function prepare(call: Call): RunningCall {
    if (closing !== undefined) throw draining(closing);
    const slot = settings.allows(call.handler) ? findHandler(call.handler) : undefined;
    if (slot === undefined) throw noHandler(call.handler);
    if (slot.version === undefined) throw broken(call.handler);
    const codec = settings.findCodec(call.codec);
    if (codec === undefined) throw noCodec(call.codec);
    return new RunningCall(call, codec, slot, slot.version.runner.timeoutMs, newRequestId);
  }

  function wait(job: RunningCall): Outcome | Promise<Outcome> {
    const { slot, peer } = job;
    const places = placesOf(job.body, settings.queue);
    // None is turned away for one that would be refused in the end.
    if (places > 1 && !waiting.canFree(waiting.places + places - settings.queue, { peer, places })) return refuse(job);
    while (waiting.places + places > settings.queue) {
      const evicted = waiting.evictFor({ peer, places });
      if (evicted === undefined) return refuse(job);
      evicted.unwatch();
      evicted.answer(refuse(evicted.job));
    }
    return new Promise((answer) => {
      const deadline: Deadline = {
        expiresAt: job.expiresAt,
        expire() {
          if (waiting.remove(entry)) answer(waitedTooLong(job));
          idle.look();
        },
      };
      const watched = deadlines.watch(deadline);
      const entry: Waiting = { job, peer, slot, places, answer, unwatch: () => deadlines.unwatch(watched) };
      waiting.add(entry);
      if (!slot.hasPlace()) slot.whenFree(refill);
    });
  }

  function refuse(job: RunningCall): Outcome {
    refused++;
    return failed(job.call, full(running, waiting.size), job);
  }

  function waitedTooLong(job: RunningCall): Outcome {
    job.waitedMs = performance.now() - job.call.receivedAt;
    return failed(job.call, tooLate(job, "it waited"), job);
  }

  /** Takes a place until the handler ends, or has had all its own time; its caller may give up sooner. */
  function run(job: RunningCall): Outcome | Promise<Outcome> {
    const { slot } = job;
    const { version } = slot;
    // It was there when the call came, and has gone while the call waited.
    if (version === undefined) return failed(job.call, noHandler(job.handler), job);
    running++;
    job.version = version.id;
    slot.enter(version);
    let outcome: Outcome;
    try {
      const around = hooks?.around;
      const body = around === undefined ? version.runner.run(job) : around(job.call, () => version.runner.run(job));
      if (body instanceof Promise) return races.run(job, body, () => release(slot, version));
      outcome = succeeded(job, body);
    } catch (error) {
      outcome = failed(job.call, error, job);
    }
    release(slot, version);
    return outcome;
  }

  function release(slot: HandlerSlot, version: HandlerVersion): void {
    running--;
    slot.leave(version);
    refill();
  }

  /** A loop, and not entered twice: a queue of synchronous calls must not become a stack of them. */
  function refill(): void {
    if (refilling) return;
    if (waiting.size === 0) {
      idle.look();
      return;
    }
    refilling = true;
    while (running < settings.concurrency) {
      const next = waiting.take((slot) => slot.hasPlace());
      if (next === undefined) break;
      const { job, unwatch, answer } = next;
      unwatch();
      // A timer is late when others hold the thread, so the deadline may have passed unseen.
      if (job.remainingMs() <= 0) {
        answer(waitedTooLong(job));
        continue;
      }
      job.waitedMs = performance.now() - job.call.receivedAt;
      answer(run(job));
    }
    for (const slot of waiting.slots()) if (!slot.hasPlace()) slot.whenFree(refill);
    refilling = false;
    idle.look();
  }

  function succeeded(job: RunningCall, body: Body): Outcome {
    const { call } = job;
    const now = performance.now();
    // A handler that held the thread past its deadline gets the answer that a waiting one gets.
    if (now >= job.expiresAt) return failed(call, tooLate(job, "it ran"), job);
    return ended(call, { code: "ok", codec: call.codec, metadata: NO_METADATA, body }, now, job);
  }

  function failed(call: Call, error: unknown, job?: RunningCall): Outcome {
    const failure = reporter.failed(call, error, job);
    if (failure.code === "internal") hooks?.failed(call, loggable(error));
    return ended(call, failure, performance.now(), job);
  }

  /** Every outcome of a call passes here, once. */
  function ended(call: Call, outcome: Outcome, now: number, job: RunningCall | undefined): Outcome {
    const totalMs = now - call.receivedAt;
    counter.record(outcome.code, totalMs);
    job?.slot.counter.record(outcome.code, totalMs);
    const ranMs = totalMs - (job?.waitedMs ?? 0);
    if (settings.concurrency === 1 && ranMs > SLOW_IN_LOCK_STEP_MS) reporter.slowInLockStep(call, ranMs);
    hooks?.ended(outcome, { totalMs, waitedMs: job?.waitedMs ?? 0, version: job?.version }, call.source, call);
    return outcome;
  }

  function dropped(job: RunningCall, error?: unknown): void {
    reporter.dropped(job, error);
  }

  async function drain(graceMs: number, why = "the host is shutting down"): Promise<void> {
    closing ??= why;
    await idle.within(graceMs, () => {
      const over = draining(`${closing} and could not wait longer`);
      for (const entry of [...waiting.entries()]) {
        waiting.remove(entry);
        entry.unwatch();
        entry.answer(failed(entry.job.call, over, entry.job));
      }
      races.abandon(over);
    });
  }

  return {
    call: admit,
    refuse(error, source) {
      const failure = reporter.refused(error, source);
      counter.record(failure.code, 0);
      hooks?.ended(failure, NO_TIME, source);
      return failure;
    },
    drain,
    configure(next) {
      settings = next;
      hooks = createHooks(next.hooks, reporter.hookFailed);
      refill();
    },
    load: () => ({ inFlight: running, queued: waiting.size, refused, ...counter.counts() }),
  };
}

/** A call takes a place of the queue for each so many bytes, so that what waits is bounded in bytes too. */
const BYTES_PER_PLACE = 256 * 1024;

/** One that is larger than the whole queue may have all of it. */
function placesOf(body: Body, queue: number): number {
  return Math.max(1, Math.min(queue, Math.ceil(bytesOf(body) / BYTES_PER_PLACE)));
}

/** Longer than this, and whoever else asks a lock-step endpoint notices. */
const SLOW_IN_LOCK_STEP_MS = 100;
const NO_TIME = Object.freeze({ totalMs: 0, waitedMs: 0 });
