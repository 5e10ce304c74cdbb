/** A worker whose call is over and goes on: what comes next does not wait for its end. */
import { describe, expect, test } from "vitest";
import { deadline, errorOf, KINDS, walled } from "./workers.ts";

const CODE = `
  export default {
    handle(input, { log, signal }) {
      if (input === "quick") return "quick";
      log.info("begun");
      if (input === "loop") for (;;);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve("heeded")));
    },
  };
`;

describe.each(KINDS)("in a %s", (kind) => {
  test("another worker starts for the next call before the late one is killed", async () => {
    const { call, runner, log } = await walled(kind, CODE);
    const { signal, pass } = deadline();
    const late = call("loop", { signal });
    await log.logged("begun");
    pass();
    const next = call("quick");
    // One is about to be killed, one starts, and there is place for one.
    expect(runner.workers.live()).toBe(2);
    expect((await errorOf(late)).message).toMatch(/was killed$/);
    expect(await next).toBe("quick");
    expect([runner.workers.live(), runner.workers.lost()]).toEqual([1, 1]);
  });

  test("the late one ends in order when it heeds its signal after all, and its place is taken", async () => {
    const { call, runner, log } = await walled(kind, CODE);
    const { signal, pass } = deadline();
    const late = call("heed", { signal });
    await log.logged("begun");
    pass();
    expect(await Promise.all([late, call("quick")])).toEqual(["heeded", "quick"]);
    await expect.poll(() => runner.workers.live(), { timeout: 10_000 }).toBe(1);
    expect(runner.workers.lost()).toBe(0);
  });

  test("the late one goes on if nobody took its place", async () => {
    const { call, runner, log } = await walled(kind, CODE);
    const { signal, pass } = deadline();
    const late = call("heed", { signal });
    await log.logged("begun");
    pass();
    expect(await late).toBe("heeded");
    expect(await call("quick")).toBe("quick");
    expect([runner.workers.live(), runner.workers.lost()]).toEqual([1, 0]);
  });
});
