/** Work that brings something up to date: one run at a time, and however many are asked for while one runs, one more follows it. */
export interface OneMore {
  /** Settles as the run does that began after this was called. */
  run(): Promise<void>;
  /** The run that is under way, or the last one. */
  running(): Promise<void>;
}

export function oneMore(work: () => Promise<void>): OneMore {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return {
    run() {
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          running = work();
          return running;
        });
      return next;
    },
    running: () => running,
  };
}
