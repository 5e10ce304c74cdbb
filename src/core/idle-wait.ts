/** Waiting until there is nothing left to do, however often and by however many it is asked for. */
import { LONGEST_TIMER_MS } from "../durations.ts";

export interface IdleWait {
  /** Resolves when it is idle; after `ms` it calls `over`, and resolves. Of several limits the shortest counts for all. */
  within(ms: number, over: () => void): Promise<void>;
  /** For when it may have become idle. */
  look(): void;
}

export function createIdleWait(isIdle: () => boolean): IdleWait {
  let waiting:
    | { readonly resolve: () => void; readonly ended: Promise<void>; readonly timers: NodeJS.Timeout[] }
    | undefined;

  function start() {
    let resolve = (): void => {};
    const ended = new Promise<void>((done) => {
      resolve = done;
    });
    return { resolve, ended, timers: [] };
  }

  function end(): void {
    waiting?.timers.forEach(clearTimeout);
    waiting?.resolve();
    waiting = undefined;
  }

  return {
    async within(ms, over) {
      if (isIdle()) return;
      waiting ??= start();
      const timer = setTimeout(
        () => {
          over();
          end();
        },
        Math.min(ms, LONGEST_TIMER_MS),
      );
      waiting.timers.push(timer);
      await waiting.ended;
    },
    look() {
      if (waiting !== undefined && isIdle()) end();
    },
  };
}
