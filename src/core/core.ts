/**
 * The one place where every request gets exactly one reply. A call comes in as bytes and leaves as an outcome, whatever
 * its body, its handler or the host's state make of it: `call` settles once and never throws.
 */
import type { Codec } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Log } from "../handler.ts";
import type { HandlerSlot } from "../loader/registry.ts";
import type { Runner } from "../runtime/runner.ts";
import { NO_METADATA } from "../wire/zep.ts";
import type { Call, CallHook, Core, Failure, Outcome, Source, Success } from "./call.ts";
import type { Deadlines } from "./deadlines.ts";
import { failureFrom, loggable } from "./failure.ts";
import { RunningCall } from "./running-call.ts";

export interface CoreOptions {
  /** Whether this endpoint serves handlers of that name. */
  readonly allows: (handler: string) => boolean;
  /** Undefined for a name that never loaded. */
  readonly findHandler: (name: string) => HandlerSlot | undefined;
  readonly findCodec: (name: string) => Codec | undefined;
  /** How many calls run at once. */
  readonly concurrency: number;
  /** How many more may wait. */
  readonly queue: number;
  readonly deadlines: Deadlines;
  readonly newRequestId: () => string;
  readonly hooks: readonly CallHook[];
  readonly log: Log;
}

/** A call that waits for a place. */
interface Waiting {
  readonly call: Call;
  readonly answer: (outcome: Outcome | Promise<Outcome>) => void;
}

export function createCore(options: CoreOptions): Core {
  const { hooks, log, newRequestId } = options;
  const waiting: Waiting[] = [];
  /** Ends each call that is still unsettled; synchronous calls are never in here. */
  const unsettled = new Set<(outcome: ZmqEchoError) => void>();
  let running = 0;
  let refilling = false;
  let draining = false;
  let drained: (() => void) | undefined;

  function admit(call: Call): Outcome | Promise<Outcome> {
    if (draining) return failed(call, new ZmqEchoError("unavailable", "the host is shutting down"));
    if (running < options.concurrency) return run(call);
    if (waiting.length < options.queue) return new Promise((answer) => waiting.push({ call, answer }));
    const full = `${running} calls run and ${waiting.length} wait; no more are taken`;
    return failed(call, new ZmqEchoError("resource_exhausted", full));
  }

  function run(call: Call): Outcome | Promise<Outcome> {
    running++;
    const outcome = start(call);
    if (!(outcome instanceof Promise)) {
      release();
      return outcome;
    }
    return outcome.then((settled) => {
      release();
      return settled;
    });
  }

  function release(): void {
    running--;
    refill();
    if (running === 0) drained?.();
  }

  /** A loop, and not entered twice: a queue of synchronous calls must not become a stack of them. */
  function refill(): void {
    if (refilling) return;
    refilling = true;
    while (running < options.concurrency) {
      const next = waiting.shift();
      if (next === undefined) break;
      next.answer(run(next.call));
    }
    refilling = false;
  }

  function start(call: Call): Outcome | Promise<Outcome> {
    let prepared: { runner: Runner; job: RunningCall };
    try {
      prepared = prepare(call);
    } catch (error) {
      return failed(call, error);
    }
    const { runner, job } = prepared;
    try {
      const body = runner.run(job);
      return body instanceof Promise ? settle(job, body) : succeeded(job, body);
    } catch (error) {
      return failed(call, error, job);
    }
  }

  function prepare(call: Call): { runner: Runner; job: RunningCall } {
    const slot = options.allows(call.handler) ? options.findHandler(call.handler) : undefined;
    if (slot === undefined) throw new ZmqEchoError("not_found", `no handler ${quote(call.handler)} is served here`);
    if (slot.state === "broken") {
      throw new ZmqEchoError(
        "unavailable",
        `handler ${quote(call.handler)} does not load; the host's log has the cause`,
      );
    }
    const codec = options.findCodec(call.codec);
    if (codec === undefined) throw new ZmqEchoError("unimplemented", `codec ${quote(call.codec)} is not served here`);
    const job = new RunningCall(call, codec, slot.runner.timeoutMs, newRequestId);
    if (job.remainingMs() <= 0) throw tooLate(job, "it waited");
    return { runner: slot.runner, job };
  }

  /** Whatever comes first: the result, the deadline, the end of a drain. The others are dropped. */
  function settle(job: RunningCall, body: Promise<Success["body"]>): Promise<Outcome> {
    return new Promise((resolve) => {
      const giveUp = (error: ZmqEchoError): void => {
        if (!close()) return;
        job.abort(error);
        resolve(failed(job.call, error, job));
      };
      const unwatch = options.deadlines.watch({
        remainingMs: () => job.remainingMs(),
        expire: () => giveUp(tooLate(job, "it ran")),
      });
      function close(): boolean {
        unwatch();
        return unsettled.delete(giveUp);
      }
      unsettled.add(giveUp);
      body.then(
        (result) => (close() ? resolve(succeeded(job, result)) : dropped(job, undefined)),
        (error: unknown) => (close() ? resolve(failed(job.call, error, job)) : dropped(job, error)),
      );
    });
  }

  function succeeded(job: RunningCall, body: Success["body"]): Outcome {
    // A handler that held the thread past its deadline gets the answer that a waiting one gets.
    if (job.remainingMs() <= 0) return failed(job.call, tooLate(job, "it ran"), job);
    return { code: "ok", codec: job.codec.name, metadata: NO_METADATA, body };
  }

  function failed(call: Call, error: unknown, job?: RunningCall): Failure {
    const requestId = job?.requestId ?? call.metadata["request-id"] ?? newRequestId();
    const failure = failureFrom(error, requestId);
    const facts = { requestId, endpoint: call.source.endpoint, handler: call.handler, code: failure.code };
    if (failure.code !== "internal") log.debug(facts, failure.message);
    else logFailure({ ...facts, err: loggable(error) }, `handler ${call.handler} failed`);
    return failure;
  }

  /** A log reads an error's fields, and a handler's error may not want to be read: that must not cost the reply. */
  function logFailure(facts: object, message: string): void {
    try {
      log.error(facts, message);
    } catch {
      log.error({ ...facts, err: undefined }, `${message}; its error can't be read`);
    }
  }

  function dropped(job: RunningCall, error: unknown): void {
    const ranMs = Math.round(performance.now() - job.call.receivedAt);
    const facts = { requestId: job.requestId, endpoint: job.endpoint, handler: job.handler, ranMs };
    const late = `handler ${job.handler} ended after its call had been answered; its result is dropped`;
    if (error === undefined) log.warn(facts, late);
    else logFailure({ ...facts, err: loggable(error) }, late);
  }

  function observed(call: Call): Outcome | Promise<Outcome> {
    for (const hook of hooks) hook.start?.(call);
    const outcome = admit(call);
    return outcome instanceof Promise ? outcome.then((settled) => end(settled, call)) : end(outcome, call);
  }

  function end(outcome: Outcome, call: Call): Outcome {
    const durationMs = performance.now() - call.receivedAt;
    for (const hook of hooks) hook.end?.(outcome, durationMs, call.source, call);
    return outcome;
  }

  return {
    call: hooks.length === 0 ? admit : observed,

    refuse(error: ZmqEchoError, source: Source): Failure {
      const requestId = newRequestId();
      const failure = failureFrom(error, requestId);
      log.debug({ requestId, endpoint: source.endpoint, code: failure.code }, failure.message);
      for (const hook of hooks) hook.end?.(failure, 0, source);
      return failure;
    },

    async drain(graceMs: number): Promise<void> {
      draining = true;
      if (running === 0) return;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        drained = resolve;
        timer = setTimeout(() => {
          const ended = new ZmqEchoError("unavailable", "the host is shutting down and could not wait longer");
          for (const { call, answer } of waiting.splice(0)) answer(failed(call, ended));
          for (const giveUp of unsettled) giveUp(ended);
        }, graceMs);
      });
      clearTimeout(timer);
    },
  };
}

function tooLate(job: RunningCall, doing: "it waited" | "it ran"): ZmqEchoError {
  const given = Math.round(job.expiresAt - job.call.receivedAt);
  return new ZmqEchoError("deadline_exceeded", `handler ${quote(job.handler)} had ${given} ms, and ${doing} longer`);
}

function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}
