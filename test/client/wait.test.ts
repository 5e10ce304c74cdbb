import { expect, test } from "vitest";
import { type Wait, Waits, waitFor } from "../../src/client/wait.ts";

test("what can't be begun is not waited for: it would keep the process alive until the deadline", async () => {
  const { signal } = new AbortController();
  const waits = new Waits();
  const wait: Wait = { timeoutMs: 60_000, expiresAt: performance.now() + 60_000, signal, waits };
  const failing = waitFor(
    wait,
    () => new Error("late"),
    () => {
      throw new Error("no socket is left");
    },
  );
  await expect(failing).rejects.toThrow("no socket is left");
  expect(waits.all()).toEqual([]);
});
