/** Workers that don't get as far as their first call. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { PluginError } from "../../src/loader/error.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";
import { errorOf, gate, KINDS, OPENED, walled } from "./workers.ts";

describe.each(KINDS)("in a %s", (kind) => {
  const who = `the worker (${kind}) of handler "vat"`;

  test("a setup that fails is told to warm as it is, and is not logged twice", async () => {
    const { runner, log } = await walled(
      kind,
      'export default { setup() { throw new RangeError("no database"); }, handle: () => 1 };',
    );
    const error = await errorOf(runner.warm());
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe("no database");
    expect(error.stack).toContain("vat.ts:1:");
    expect(log.records).toEqual([]);
    expect(runner.workers.live()).toBe(0);
  });

  test("calls that wait for it are unavailable, the log has the cause, and a mended one serves", async () => {
    const folder = await createFolder();
    const flag = join(folder, "mended");
    const { call, log, runner } = await walled(
      kind,
      `import { existsSync } from "node:fs";
       export default { setup({ options }) { if (!existsSync(options.flag)) throw new Error("no database"); }, handle: () => 1 };`,
      { options: { flag } },
    );
    const errors = await Promise.all([errorOf(call(1)), errorOf(call(2))]);
    for (const error of errors) {
      expect(error).toMatchObject({
        code: "unavailable",
        message: 'handler "vat" does not start; the host\'s log has the cause',
        cause: { message: "no database" },
      });
    }
    expect(log.records).toMatchObject([
      {
        level: "error",
        message: `a worker (${kind}) of handler vat did not start: no database`,
        fields: { handler: "vat", err: { message: "no database" } },
      },
    ]);
    await writeFiles(folder, { mended: "" });
    expect(await call(3)).toBe(1);
    expect(runner.workers.live()).toBe(1);
  });

  test("a setup that takes too long is given up", async () => {
    const { runner } = await walled(kind, "export default { setup: () => new Promise(() => {}), handle: () => 1 };", {
      setupMs: 20,
    });
    await expect(runner.warm()).rejects.toMatchObject({
      code: "deadline_exceeded",
      message: "setup of handler vat took over 20 ms",
    });
    expect(runner.workers.live()).toBe(0);
  });

  test("one that loops is killed", async () => {
    const { runner } = await walled(kind, "export default { setup: () => { for (;;); }, handle: () => 1 };", {
      setupMs: 20,
    });
    expect((await errorOf(runner.warm())).message).toBe(
      `${who}: setup took over 20 ms; is there a loop that never ends?`,
    );
  });

  test("an exit before it is ready is told of, and nothing is started again without a call", async () => {
    const { call, log, runner } = await walled(
      kind,
      "export default { setup: () => process.exit(7), handle: () => 1 };",
    );
    await errorOf(call(1));
    expect(log.records.map(({ message }) => message)).toEqual([
      `a worker (${kind}) of handler vat did not start: ${who}, before it was ready, exited with code 7`,
    ]);
    expect([runner.workers.live(), runner.workers.lost()]).toEqual([0, 1]);
  });

  test("an error that nobody catches before it is ready is its cause", async () => {
    const { runner } = await walled(
      kind,
      `export default { setup: () => new Promise(() => setImmediate(() => { throw new Error("x"); })), handle: () => 1 };`,
    );
    const error = await errorOf(runner.warm());
    expect(error.message).toBe(`${who}, before it was ready, died of an error that nobody caught: x`);
    expect(error.cause).toMatchObject({ message: "x" });
  });

  test("a plugin that does not load is a PluginError with its place", async () => {
    const { runner, file } = await walled(kind, '\nthrow new Error("not today");\nexport default () => 1;');
    const error = await errorOf(runner.warm());
    expect(error).toBeInstanceOf(PluginError);
    expect(error).toMatchObject({ problem: { name: "vat", file, line: 2, column: 7, message: "not today" } });
  });

  test("one without a handler is one too", async () => {
    const { runner } = await walled(
      kind,
      'import { defineCodec } from "zmqecho"; export default defineCodec({ encode: () => new Uint8Array(), decode: () => 1 });',
    );
    expect(await errorOf(runner.warm())).toMatchObject({ problem: { message: "it exports no handler" } });
  });

  test("while others work, one that does not start costs no call", async () => {
    const folder = await createFolder();
    const { path, open } = await gate();
    const { call, log, runner } = await walled(
      kind,
      `${OPENED} import { writeFileSync } from "node:fs";
       export default {
         setup({ options: { flag } }) { if (existsSync(flag)) throw new Error("only once"); writeFileSync(flag, ""); },
         async handle(input, { log }) {
           if (input.hold === undefined) return input;
           log.info("holding");
           await opened(input.hold);
         },
       };`,
      { options: { flag: join(folder, "once") }, pool: { maxWorkers: 2 } },
    );
    const held = call({ hold: path });
    await log.logged("holding");
    const waiting = call("next");
    await log.logged("did not start: only once");
    await open();
    await held;
    expect(await waiting).toBe("next");
    expect(runner.workers.live()).toBe(1);
  });
});

describe("in a process", () => {
  test("one that can't be started at all is told of", async () => {
    const { runner } = await walled("process", "export default () => 1;");
    const { execPath } = process;
    onTestFinished(() => {
      process.execPath = execPath;
    });
    process.execPath = "/does/not/exist";
    expect((await errorOf(runner.warm())).message).toBe(
      'the worker (process) of handler "vat", before it was ready, could not be started: spawn /does/not/exist ENOENT',
    );
    process.execPath = execPath;
    await runner.warm();
  });
});
