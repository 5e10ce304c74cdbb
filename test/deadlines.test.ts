import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { Deadlines } from "../src/deadlines.ts";

/** One that notes when it expires. */
function deadlineIn(ms: number, expired: string[], name: string) {
  return { expiresAt: performance.now() + ms, expire: () => void expired.push(name) };
}

test("each expires at its time, not before, and once, in whatever order they came", async () => {
  const deadlines = new Deadlines();
  const expired: string[] = [];
  const early: number[] = [];
  await new Promise<void>((resolve) => {
    for (const ms of [60, 5, 40, 20, 80, 5]) {
      const deadline = {
        expiresAt: performance.now() + ms,
        expire() {
          if (performance.now() < deadline.expiresAt) early.push(ms);
          expired.push(String(ms));
          if (expired.length === 6) resolve();
        },
      };
      deadlines.watch(deadline);
    }
  });
  await delay(30);
  expect(expired).toEqual(["5", "5", "20", "40", "60", "80"]);
  expect(early).toEqual([]);
});

test("one that is watched no longer does not expire, and the others do", async () => {
  const deadlines = new Deadlines();
  const expired: string[] = [];
  const first = deadlines.watch(deadlineIn(10, expired, "first"));
  await new Promise<void>((resolve) => {
    deadlines.watch({ expiresAt: performance.now() + 30, expire: resolve });
    deadlines.unwatch(first);
    deadlines.unwatch(first);
  });
  expect(expired).toEqual([]);
  expect(deadlines.all()).toEqual([]);
});

test("one that expires may end others, and begin new ones", async () => {
  const deadlines = new Deadlines();
  const expired: string[] = [];
  await new Promise<void>((resolve) => {
    const expiresAt = performance.now() + 10;
    deadlines.watch({
      expiresAt,
      expire() {
        expired.push("first");
        deadlines.unwatch(second);
        deadlines.watch({ expiresAt: performance.now() + 5, expire: resolve });
      },
    });
    const second = deadlines.watch({ expiresAt, expire: () => void expired.push("second") });
  });
  expect(expired).toEqual(["first"]);
});

test("one that comes later and is due sooner does not wait for the others", async () => {
  const deadlines = new Deadlines();
  const long = deadlines.watch(deadlineIn(60_000, [], "long"));
  const from = performance.now();
  await new Promise<void>((resolve) => deadlines.watch({ expiresAt: performance.now() + 10, expire: resolve }));
  expect(performance.now() - from).toBeLessThan(30_000);
  deadlines.unwatch(long);
});

test("nothing keeps the process alive when all are over, though one that expired ended another that is due much later", async () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => timers.mockRestore());
  const deadlines = new Deadlines();
  const expiresAt = performance.now();
  const later = deadlines.watch(deadlineIn(60_000, [], "later"));
  deadlines.watch({ expiresAt, expire: () => void deadlines.unwatch(later) });
  await new Promise<void>((resolve) => deadlines.watch({ expiresAt, expire: resolve }));
  expect(deadlines.all()).toEqual([]);
  // The others have fired, or are cleared.
  const last = timers.mock.calls.findLastIndex(([, ms = 0]) => ms > 30_000);
  expect(timers.mock.results[last]?.value.hasRef()).toBe(false);
});
