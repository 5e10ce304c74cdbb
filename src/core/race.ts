/** A handler's promise against its deadline and the end of a drain. Whatever is first counts; the others are dropped. */
import type { Body } from "../codecs/codec.ts";
import type { Deadline, Deadlines } from "../deadlines.ts";
import type { ZmqEchoError } from "../errors.ts";
import type { Outcome } from "./call.ts";
import { tooLate } from "./refusals.ts";
import type { RunningCall } from "./running-call.ts";

export interface RaceOptions {
  readonly deadlines: Deadlines;
  readonly succeeded: (job: RunningCall, body: Body) => Outcome;
  readonly failed: (job: RunningCall, error: unknown) => Outcome;
  /** A result, or an error, that came after its call had been answered. */
  readonly dropped: (job: RunningCall, error?: unknown) => void;
}

export interface Races {
  /** @param vacate called once, when the handler has ended or has had all its own time */
  run(job: RunningCall, body: Promise<Body>, vacate: () => void): Promise<Outcome>;
  /** Answers each call that is still unsettled, and waits for none of their handlers any more. */
  abandon(error: ZmqEchoError): void;
}

export function createRaces({ deadlines, succeeded, failed, dropped }: RaceOptions): Races {
  const unsettled = new Set<(error: ZmqEchoError) => void>();
  /** Handlers that run, whether or not their calls are settled. */
  const unended = new Set<() => void>();

  function run(job: RunningCall, body: Promise<Body>, vacate: () => void): Promise<Outcome> {
    return new Promise((resolve) => {
      let deadline: Deadline = { expiresAt: job.expiresAt, expire: expired };
      deadlines.watch(deadline);
      unsettled.add(giveUp);

      function expired(): void {
        giveUp(tooLate(job, "it ran"));
        deadline = { expiresAt: job.placeExpiresAt, expire: leave };
        if (deadline.expiresAt > performance.now()) deadlines.watch(deadline);
        else leave();
      }

      function giveUp(error: ZmqEchoError): void {
        if (!unsettled.delete(giveUp)) return;
        job.abort(error);
        resolve(failed(job, error));
      }

      unended.add(leave);
      function leave(): void {
        deadlines.unwatch(deadline);
        if (unended.delete(leave)) vacate();
      }

      function end(outcome: () => Outcome, late: () => void): void {
        if (unsettled.delete(giveUp)) resolve(outcome());
        else late();
        leave();
      }

      body.then(
        (result) =>
          end(
            () => succeeded(job, result),
            () => dropped(job),
          ),
        (error: unknown) =>
          end(
            () => failed(job, error),
            () => dropped(job, error),
          ),
      );
    });
  }

  return {
    run,
    abandon(error) {
      for (const giveUp of [...unsettled]) giveUp(error);
      for (const leave of [...unended]) leave();
    },
  };
}
