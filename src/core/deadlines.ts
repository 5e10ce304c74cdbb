/**
 * Arms a timer for a call only once it has outlived the tick it began in: most async handlers settle before, and a
 * timer made and cleared for each of them would be the dearest part of a small call.
 * What an expired one means is its owner's business; core.ts makes it `deadline_exceeded`.
 */
import { LONGEST_TIMER_MS } from "../durations.ts";

export interface Deadline {
  /** Milliseconds left; asked when the tick is over. */
  remainingMs(): number;
  /** Called at most once, when none are left. */
  expire(): void;
}

export interface Deadlines {
  /** Watches until the returned function is called. */
  watch(deadline: Deadline): () => void;
}

interface Watched {
  readonly deadline: Deadline;
  timer?: NodeJS.Timeout;
  over: boolean;
}

export function createDeadlines(): Deadlines {
  let young: Watched[] = [];

  function armSurvivors(): void {
    const survivors = young;
    young = [];
    for (const watched of survivors) if (!watched.over) arm(watched);
  }

  function arm(watched: Watched): void {
    const remaining = Math.max(0, Math.min(watched.deadline.remainingMs(), LONGEST_TIMER_MS));
    watched.timer = setTimeout(() => {
      // Timers can fire a fraction of a millisecond early.
      if (watched.deadline.remainingMs() > 0) arm(watched);
      else watched.deadline.expire();
    }, Math.ceil(remaining));
  }

  return {
    watch(deadline) {
      const watched: Watched = { deadline, over: false };
      if (young.push(watched) === 1) setImmediate(armSurvivors);
      return () => {
        watched.over = true;
        clearTimeout(watched.timer);
      };
    },
  };
}
