/** What ends a worker costs the call it ran, and nothing else. */
import { describe, expect, test } from "vitest";
import { deadline, errorOf, gate, KINDS, OPENED, walled } from "./workers.ts";

/** Does what it is told, and answers what it is given otherwise. */
const FRAGILE = `
  const deeds = {
    exit: () => process.exit(3),
    loop: () => { for (;;); },
    hang: () => new Promise(() => {}),
    heed: (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    abort: () => process.abort(),
    "throw later": () => void setTimeout(() => { throw new RangeError("out of turn"); }, 1),
    "reject later": () => void setTimeout(() => Promise.reject(new RangeError("out of turn")), 1),
    "throw now": () => new Promise(() => setImmediate(() => { throw new RangeError("out of turn"); })),
    arm: () => { globalThis.trip = () => setImmediate(() => { throw new RangeError("out of turn"); }); return "armed"; },
    trip: () => { globalThis.trip(); return new Promise(() => {}); },
    // Small pieces: one allocation far over the limit of a thread ends the whole process, the host's.
    "fill the heap": () => { let chain; for (;;) chain = { chain, list: [1, 2, 3] }; },
    "close the pipe": () => { require("node:fs").closeSync(3); return new Promise(() => {}); },
    "write to the pipe": () => { require("node:fs").writeSync(3, Buffer.from([4, 0, 0, 0, 9, 9, 9, 9])); return new Promise(() => {}); },
    misuse: () => {
      const { parentPort, workerData } = require("node:worker_threads");
      parentPort?.postMessage({ kind: "result", id: 1, body: [] });
      workerData?.postMessage("nonsense");
      process.send?.({ kind: "result", id: 1, body: [] });
      process.disconnect?.();
      process.emit("message", { kind: "close" });
      return "fine";
    },
  };
  export default {
    setup({ log }) { log.info("set up"); },
    handle: (input, { signal, log }) => { log.info("ran " + input); return deeds[input]?.(signal) ?? input; },
  };
`;

describe.each(KINDS)("in a %s", (kind) => {
  const who = `the worker (${kind}) of handler "vat"`;

  test("a loop is killed when its call is over, and the next call is served", async () => {
    const { call, log, runner } = await walled(kind, FRAGILE);
    await call("warm");
    const { signal, pass } = deadline();
    const error = errorOf(call("loop", { signal }));
    await log.logged("ran loop");
    pass();
    expect((await error).message).toBe(
      `handler "vat" did not end within 100 ms of its signal, so its worker (${kind}) was killed`,
    );
    expect(await call("next")).toBe("next");
    expect(runner.workers.lost()).toBe(1);
  });

  test("a promise that never settles is given up in the same way", async () => {
    const { call, log } = await walled(kind, FRAGILE);
    const { signal, pass } = deadline();
    const error = errorOf(call("hang", { signal }));
    await log.logged("ran hang");
    pass();
    expect((await error).message).toContain("was killed");
    expect(await call("next")).toBe("next");
  });

  test("a handler that heeds its signal keeps its worker, and is told why", async () => {
    const { call, log, runner } = await walled(kind, FRAGILE);
    const { signal, pass } = deadline();
    const error = errorOf(call("heed", { signal }));
    await log.logged("ran heed");
    pass();
    expect(await error).toMatchObject({ code: "deadline_exceeded", message: "it took too long" });
    expect(await call("next")).toBe("next");
    expect(runner.workers.lost()).toBe(0);
    expect(log.records.filter(({ message }) => message === "set up")).toHaveLength(1);
  });

  test("an exit is told at once, with its code", async () => {
    const { call, runner } = await walled(kind, FRAGILE);
    expect((await errorOf(call("exit"))).message).toBe(`${who} exited with code 3`);
    expect(await call("next")).toBe("next");
    expect(runner.workers.lost()).toBe(1);
  });

  test("a full heap is told of", async () => {
    const { call } = await walled(kind, FRAGILE, { pool: { memoryMb: 64 } });
    expect((await errorOf(call("fill the heap"))).message).toBe(
      kind === "thread"
        ? `${who} ran out of memory (pool.memoryMb 64)`
        : `${who} was ended by SIGABRT: out of memory (pool.memoryMb 64), or a crash of native code`,
    );
    expect(await call("next")).toBe("next");
  });

  test("an error that nobody catches is the cause, with its lines in the source", async () => {
    const { call, file } = await walled(kind, FRAGILE);
    const error = await errorOf(call("throw now"));
    expect(error.message).toBe(`${who} died of an error that nobody caught: out of turn`);
    expect(error.cause).toBeInstanceOf(RangeError);
    expect((error.cause as Error).stack).toContain(`${file}:10:`);
  });

  test.each([
    ["throw later", "an error that nobody caught"],
    ["reject later", "a rejection that nobody handled"],
  ])("what an earlier call left behind may %s while the worker is idle", async (deed, what) => {
    const { call, log, runner } = await walled(kind, FRAGILE);
    expect(await call(deed)).toBe(deed);
    const { level, message, fields } = await log.logged("it was idle");
    expect([level, message]).toEqual(["warn", `${who} died of ${what}: out of turn; it was idle`]);
    expect(fields).toMatchObject({ handler: "vat", err: { cause: { message: "out of turn" } } });
    expect(await call("next")).toBe("next");
    expect(runner.workers.lost()).toBe(1);
  });

  test("and while another call runs, which fails at once", async () => {
    const { call } = await walled(kind, FRAGILE);
    expect(await call("arm")).toBe("armed");
    expect((await errorOf(call("trip"))).message).toBe(`${who} died of an error that nobody caught: out of turn`);
    expect(await call("next")).toBe("next");
  });

  test("a plugin that catches such errors itself goes on", async () => {
    const { call, runner } = await walled(
      kind,
      `let caught = ""; process.on("uncaughtException", (error) => { caught = error.message; });
       export default async (input) => {
         if (input === "throw") return void setImmediate(() => { throw new Error("mine"); });
         while (caught === "") await new Promise((done) => setImmediate(done));
         return caught;
       };`,
    );
    await call("throw");
    expect(await call("look")).toBe("mine");
    expect(runner.workers.lost()).toBe(0);
  });

  test("the others of a pool don't notice", async () => {
    const { call, log } = await walled(
      kind,
      `${OPENED} export default async (input, { log }) => {
        if (input === "exit") process.exit(3);
        log.info("waiting");
        await opened(input);
        return "done";
      };`,
      { pool: { maxWorkers: 2 } },
    );
    const { path, open } = await gate();
    const other = call(path);
    await log.logged("waiting");
    expect((await errorOf(call("exit"))).message).toContain("exited with code 3");
    await open();
    expect(await other).toBe("done");
  });

  test("messages of its own go nowhere", async () => {
    const { call, runner } = await walled(kind, FRAGILE);
    expect(await call("misuse")).toBe("fine");
    expect(await call("next")).toBe("next");
    expect(runner.workers.lost()).toBe(0);
  });
});

describe("in a process", () => {
  const who = 'the worker (process) of handler "vat"';

  test("a crash of native code is told of", async () => {
    const { call } = await walled("process", FRAGILE);
    expect((await errorOf(call("abort"))).message).toContain(`${who} was ended by SIGABRT`);
    expect(await call("next")).toBe("next");
  });

  test("a kill from outside is told of", async () => {
    const { call } = await walled(
      "process",
      "export default (input) => input ?? process.kill(process.pid, 'SIGKILL');",
    );
    expect((await errorOf(call(null))).message).toBe(`${who} was ended by SIGKILL`);
    expect(await call("next")).toBe("next");
  });

  test.each(["close the pipe", "write to the pipe"])("one that gets to %s is lost, and no more", async (deed) => {
    const { call } = await walled("process", FRAGILE);
    expect((await errorOf(call(deed))).message).toContain(`${who} was ended by SIGKILL`);
    expect(await call("next")).toBe("next");
  });
});
