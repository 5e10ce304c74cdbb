/** A handler's promise against its deadline and the end of a drain. Whatever is first counts; the others are dropped. */
import type { Body } from "../codecs/codec.ts";
import type { Deadlines } from "../deadlines.ts";
import type { ZmqEchoError } from "../errors.ts";
import { LinkedList } from "../linked-list.ts";
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
  const unsettled = new LinkedList<(error: ZmqEchoError) => void>();
  /** Handlers that run, whether or not their calls are settled. */
  const unended = new LinkedList<() => void>();

  function run(job: RunningCall, body: Promise<Body>, vacate: () => void): Promise<Outcome> {
    return new Promise((resolve) => {
      let watched = deadlines.watch({ expiresAt: job.expiresAt, expire: expired });
      const settling = unsettled.append(giveUp);
      const ending = unended.append(leave);

      function expired(): void {
        giveUp(tooLate(job, "it ran"));
        const expiresAt = job.placeExpiresAt;
        if (expiresAt > performance.now()) watched = deadlines.watch({ expiresAt, expire: leave });
        else leave();
      }

      function giveUp(error: ZmqEchoError): void {
        if (!unsettled.remove(settling)) return;
        job.abort(error);
        resolve(failed(job, error));
      }

      function leave(): void {
        deadlines.unwatch(watched);
        if (unended.remove(ending)) vacate();
      }

      function end(outcome: () => Outcome, late: () => void): void {
        if (unsettled.remove(settling)) resolve(outcome());
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
