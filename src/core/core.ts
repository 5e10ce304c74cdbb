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
import { shorten } from "../wording.ts";
import type { Call, CallHook, Core, Outcome, Success } from "./call.ts";
import type { Deadlines } from "./deadlines.ts";
import { createReporter } from "./failure.ts";
import { observe } from "./observe.ts";
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

/** A call that is well-formed, and what runs it. */
interface Admitted {
  readonly job: RunningCall;
  readonly runner: Runner;
}

/** One that waits for a place. */
interface Waiting extends Admitted {
  readonly answer: (outcome: Outcome | Promise<Outcome>) => void;
  readonly unwatch: () => void;
}

/** When a refused caller may come back, as a hint: calls end often, hosts come back slowly. */
const RETRY_WHEN_FULL_MS = 100;
const RETRY_WHEN_DRAINING_MS = 1000;

export function createCore(options: CoreOptions): Core {
  const { newRequestId } = options;
  const { failed, refused, dropped, hookFailed } = createReporter(options.log, newRequestId);
  /** In the order they came. */
  const waiting = new Set<Waiting>();
  /** Ends each call that is still unsettled; synchronous calls are never in here. */
  const unsettled = new Set<(outcome: ZmqEchoError) => void>();
  let running = 0;
  let refilling = false;
  let draining = false;
  let drained: (() => void) | undefined;

  function admit(call: Call): Outcome | Promise<Outcome> {
    let admitted: Admitted;
    try {
      admitted = prepare(call);
    } catch (error) {
      return failed(call, error);
    }
    return running < options.concurrency ? run(admitted) : wait(admitted);
  }

  function prepare(call: Call): Admitted {
    if (draining) throw unavailable("the host is shutting down");
    const slot = options.allows(call.handler) ? options.findHandler(call.handler) : undefined;
    if (slot === undefined)
      throw new ZmqEchoError("not_found", `no handler ${JSON.stringify(shorten(call.handler))} is served here`);
    if (slot.state === "broken") {
      throw new ZmqEchoError(
        "unavailable",
        `handler ${JSON.stringify(shorten(call.handler))} does not load; the host's log has the cause`,
      );
    }
    const codec = options.findCodec(call.codec);
    if (codec === undefined)
      throw new ZmqEchoError("unimplemented", `codec ${JSON.stringify(shorten(call.codec))} is not served here`);
    const { runner } = slot;
    return { runner, job: new RunningCall(call, codec, runner.timeoutMs, newRequestId) };
  }

  function wait({ job, runner }: Admitted): Outcome | Promise<Outcome> {
    if (waiting.size >= options.queue) {
      const full = `${running} calls run and ${waiting.size} wait; no more are taken`;
      const details = { retryAfterMs: RETRY_WHEN_FULL_MS };
      return failed(job.call, new ZmqEchoError("resource_exhausted", full, { details }), job);
    }
    return new Promise((answer) => {
      const unwatch = options.deadlines.watch({
        remainingMs: () => job.remainingMs(),
        expire: () => {
          waiting.delete(entry);
          answer(failed(job.call, tooLate(job, "it waited"), job));
        },
      });
      const entry: Waiting = { job, runner, answer, unwatch };
      waiting.add(entry);
    });
  }

  /** Takes a place until the handler ends, or has had all its own time; its caller may give up sooner. */
  function run(admitted: Admitted): Outcome | Promise<Outcome> {
    running++;
    const outcome = start(admitted);
    if (!(outcome instanceof Promise)) release();
    return outcome;
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
    for (const next of waiting) {
      if (running >= options.concurrency) break;
      waiting.delete(next);
      next.unwatch();
      // A timer is late when others hold the thread, so the deadline may have passed unseen.
      const { job } = next;
      next.answer(job.remainingMs() > 0 ? run(next) : failed(job.call, tooLate(job, "it waited"), job));
    }
    refilling = false;
  }

  function start({ job, runner }: Admitted): Outcome | Promise<Outcome> {
    try {
      const body = runner.run(job);
      return body instanceof Promise ? settle(job, body) : succeeded(job, body);
    } catch (error) {
      return failed(job.call, error, job);
    }
  }

  /** Whatever comes first: the result, the deadline, the end of a drain. The others are dropped. */
  function settle(job: RunningCall, body: Promise<Success["body"]>): Promise<Outcome> {
    return new Promise((resolve) => {
      let unwatch = options.deadlines.watch({ remainingMs: () => job.remainingMs(), expire: expired });
      unsettled.add(giveUp);

      function expired(): void {
        giveUp(tooLate(job, "it ran"));
        const leftMs = () => job.placeExpiresAt - performance.now();
        if (leftMs() > 0) unwatch = options.deadlines.watch({ remainingMs: leftMs, expire: vacate });
        else vacate();
      }

      function giveUp(error: ZmqEchoError): void {
        if (!unsettled.delete(giveUp)) return;
        job.abort(error);
        resolve(failed(job.call, error, job));
      }

      let vacated = false;
      function vacate(): void {
        unwatch();
        if (vacated) return;
        vacated = true;
        release();
      }

      function end(outcome: () => Outcome, late: () => void): void {
        if (unsettled.delete(giveUp)) resolve(outcome());
        else late();
        vacate();
      }

      body.then(
        (result) =>
          end(
            () => succeeded(job, result),
            () => dropped(job),
          ),
        (error: unknown) =>
          end(
            () => failed(job.call, error, job),
            () => dropped(job, error),
          ),
      );
    });
  }

  function succeeded(job: RunningCall, body: Success["body"]): Outcome {
    // A handler that held the thread past its deadline gets the answer that a waiting one gets.
    if (job.remainingMs() <= 0) return failed(job.call, tooLate(job, "it ran"), job);
    return { code: "ok", codec: job.codec.name, metadata: NO_METADATA, body };
  }

  const core: Core = {
    call: admit,
    refuse: refused,
    async drain(graceMs: number): Promise<void> {
      draining = true;
      if (running === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          const ended = unavailable("the host is shutting down and could not wait longer");
          for (const { job, answer, unwatch } of waiting) {
            unwatch();
            answer(failed(job.call, ended, job));
          }
          waiting.clear();
          for (const giveUp of unsettled) giveUp(ended);
          resolve();
        }, graceMs);
        drained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
  return observe(core, options.hooks, hookFailed);
}

function unavailable(message: string): ZmqEchoError {
  return new ZmqEchoError("unavailable", message, { details: { retryAfterMs: RETRY_WHEN_DRAINING_MS } });
}

function tooLate(job: RunningCall, doing: "it waited" | "it ran"): ZmqEchoError {
  const given = Math.round(job.expiresAt - job.call.receivedAt);
  return new ZmqEchoError(
    "deadline_exceeded",
    `handler ${JSON.stringify(shorten(job.handler))} had ${given} ms, and ${doing} longer`,
  );
}
