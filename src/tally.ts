/** Counts what happens too often to say each time, and says it once a second. */
export interface Tally {
  add(many: number): void;
  /** Says what is not said yet. */
  tell(): void;
}

export function createTally(report: (count: number) => void): Tally {
  let count = 0;
  let timer: NodeJS.Timeout | undefined;

  function tell(): void {
    clearTimeout(timer);
    timer = undefined;
    if (count > 0) report(count);
    count = 0;
  }

  return {
    add(many) {
      count += many;
      timer ??= setTimeout(tell, 1000).unref();
    },
    tell,
  };
}
