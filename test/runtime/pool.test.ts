/** How many workers there are, when they start, and how they end. */
import { describe, expect, test } from "vitest";
import { deadline, errorOf, gate, KINDS, type Kind, OPENED, type WalledOptions, walled } from "./workers.ts";

/** Says what happens to it, and answers with its worker's name; `{ hold }` waits until that path is there. */
const TELLING = `${OPENED}
  export default {
    setup({ log }) { log.info("set up"); return { id: String(Math.random()), log }; },
    teardown({ log }) { log.info("torn down"); },
    async handle(input, { log, state }) {
      if (input.hold !== undefined) { log.info("holding " + input.hold); await opened(input.hold); }
      return state.id;
    },
  };
`;

async function telling(kind: Kind, options: WalledOptions = {}, code: string = TELLING) {
  const it = await walled(kind, code, options);
  const count = (message: string) => it.log.records.filter((record) => record.message === message).length;
  return {
    ...it,
    count,
    /** A call that runs, until it is let go. */
    async hold() {
      const { path, open } = await gate();
      const result = it.call({ hold: path });
      await it.log.logged(`holding ${path}`);
      return { result, letGo: open };
    },
  };
}

describe.each(KINDS)("in a %s", (kind) => {
  test("nothing is started before the first call", async () => {
    const { call, count, runner } = await telling(kind);
    expect(runner.workers.live()).toBe(0);
    await call(1);
    expect(runner.workers.live()).toBe(1);
    expect(count("set up")).toBe(1);
  });

  test("a worker is set up once, and torn down once", async () => {
    const { call, count, runner } = await telling(kind);
    expect(await call(1)).toBe(await call(2));
    await runner.close(5_000);
    expect([count("set up"), count("torn down")]).toEqual([1, 1]);
    expect(runner.workers).toMatchObject({ live: expect.any(Function) });
    expect([runner.workers.live(), runner.workers.lost()]).toEqual([0, 0]);
  });

  test("warm starts one if there is none", async () => {
    const { call, count, runner } = await telling(kind);
    await Promise.all([runner.warm(), runner.warm()]);
    await runner.warm();
    await call(1);
    expect(count("set up")).toBe(1);
    expect(runner.workers.live()).toBe(1);
  });

  test("no more than maxWorkers run, and the other calls wait in their order", async () => {
    const { call, hold, runner } = await telling(kind, { pool: { maxWorkers: 2 } });
    const one = await hold();
    const two = await hold();
    const order: number[] = [];
    const waiting = [1, 2, 3].map((input) => call(input).then(() => order.push(input)));
    expect(runner.workers.live()).toBe(2);
    await one.letGo();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    expect(runner.workers.live()).toBe(2);
    await two.letGo();
    expect(await one.result).not.toBe(await two.result);
  });

  test("a call that gives up while it waits is not run, and the next one is", async () => {
    const { call, hold } = await telling(kind);
    const one = await hold();
    const { signal, pass } = deadline();
    const late = errorOf(call(1, { signal }));
    const next = call(2);
    pass();
    expect(await late).toMatchObject({ code: "deadline_exceeded" });
    await one.letGo();
    expect(await next).toBe(await one.result);
  });

  test("the worker that was used last is used first", async () => {
    const { call, hold } = await telling(kind, { pool: { maxWorkers: 2 } });
    const one = await hold();
    const two = await hold();
    await two.letGo();
    await two.result;
    await one.letGo();
    const last = await one.result;
    for (let again = 0; again < 3; again++) expect(await call(again)).toBe(last);
  });

  test("workers that idle are torn down and end, to the last, and the next call starts one", async () => {
    const { call, count, runner } = await telling(kind, { pool: { idleMs: 20 } });
    const first = await call(1);
    await expect.poll(() => runner.workers.live(), { timeout: 10_000 }).toBe(0);
    expect(count("torn down")).toBe(1);
    expect(await call(2)).not.toBe(first);
    expect(runner.workers.lost()).toBe(0);
  });

  test("a teardown that throws when a worker idles is logged", async () => {
    const { call, log } = await telling(
      kind,
      { pool: { idleMs: 1 } },
      'export default { teardown() { throw new Error("no"); }, handle: () => 1 };',
    );
    await call(1);
    const { level, message, fields } = await log.logged("teardown");
    expect([level, message]).toEqual(["error", "teardown of vat failed: no"]);
    expect(fields).toMatchObject({ handler: "vat", err: { message: "no" } });
  });

  test("a replacement starts at once for one that was lost", async () => {
    const { call, count, log, runner } = await telling(
      kind,
      {},
      "export default { setup({ log }) { log.info('set up'); }, handle: (input) => input ?? process.exit(1) };",
    );
    await call(1);
    await errorOf(call(null));
    await expect.poll(() => count("set up"), { timeout: 10_000 }).toBe(2);
    expect([runner.workers.live(), runner.workers.lost()]).toEqual([1, 1]);
    expect(log.records.filter(({ level }) => level !== "info")).toEqual([]);
  });

  test("one that dies without a call is not replaced until there is one", async () => {
    const { path, open } = await gate();
    const { call, count, log, runner } = await telling(
      kind,
      { options: { path } },
      `${OPENED} export default {
        setup({ log, options }) {
          log.info("set up");
          if (!existsSync(options.path)) void opened(options.path).then(() => { throw new Error("x"); });
        },
        handle: () => 1,
      };`,
    );
    await runner.warm();
    await open();
    await log.logged("it was idle");
    expect([count("set up"), runner.workers.live(), runner.workers.lost()]).toEqual([1, 0, 1]);
    expect(await call(1)).toBe(1);
  });

  test("closing waits for the call that runs, then tears down", async () => {
    const { hold, count, runner } = await telling(kind);
    const one = await hold();
    const closed = runner.close(5_000);
    await one.letGo();
    await Promise.all([closed, one.result]);
    expect(count("torn down")).toBe(1);
  });

  test("closing kills what goes on for too long", async () => {
    const { hold, runner } = await telling(kind);
    const one = await hold();
    const failed = errorOf(one.result);
    const message = `it took over 20 ms, so its worker (${kind}) was killed`;
    expect((await errorOf(runner.close(20))).message).toBe(message);
    expect((await failed).message).toBe(message);
    expect(runner.workers.live()).toBe(0);
  });

  test.each([
    ["hangs", "new Promise(() => {})"],
    ["loops", "(() => { for (;;); })()"],
  ])("a teardown that %s is killed", async (_, teardown) => {
    const { call, runner } = await telling(
      kind,
      {},
      `export default { teardown: () => ${teardown}, handle: () => 1 };`,
    );
    await call(1);
    expect((await errorOf(runner.close(50))).message).toBe(`it took over 50 ms, so its worker (${kind}) was killed`);
    expect(runner.workers.live()).toBe(0);
  });

  test("closing rejects with what a teardown throws, when all have ended", async () => {
    const { hold, runner, log } = await telling(
      kind,
      { pool: { maxWorkers: 2 } },
      TELLING.replace('log.info("torn down")', 'throw new RangeError("no")'),
    );
    const calls = [await hold(), await hold()];
    for (const { letGo } of calls) await letGo();
    await Promise.all(calls.map(({ result }) => result));
    const error = await errorOf(runner.close(5_000));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe("no");
    expect(runner.workers.live()).toBe(0);
    expect(log.records.map(({ message }) => message)).toContain("teardown of vat failed: no");
  });

  test("an exit in a teardown is told of", async () => {
    const { call, runner } = await telling(
      kind,
      {},
      "export default { teardown: () => process.exit(2), handle: () => 1 };",
    );
    await call(1);
    expect((await errorOf(runner.close(5_000))).message).toBe(
      `the worker (${kind}) of handler "vat" exited with code 2`,
    );
  });

  test("closing ends a worker that is about to start, and the calls that wait for it", async () => {
    const { call, runner, count } = await telling(kind);
    const waiting = errorOf(call(1));
    await runner.close(5_000);
    expect(await waiting).toMatchObject({ code: "unavailable", message: 'handler "vat" has been closed' });
    expect(await errorOf(call(2))).toMatchObject({ code: "unavailable" });
    await expect(runner.warm()).rejects.toMatchObject({ code: "unavailable" });
    expect([count("set up"), count("torn down"), runner.workers.live()]).toEqual([1, 1, 0]);
  });

  test("closing what never started is done at once", async () => {
    const { runner } = await telling(kind);
    await runner.close(0);
    expect(runner.workers.live()).toBe(0);
  });
});
