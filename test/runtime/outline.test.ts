/** What a plugin exports, looked at in a worker that is thrown away. */
import { describe, expect, test } from "vitest";
import { PluginError } from "../../src/loader/error.ts";
import { outlineInWorker } from "../../src/runtime/outline.ts";
import { type Code, errorOf, KINDS, pluginOf } from "./workers.ts";

describe.each(KINDS)("in a %s", (kind) => {
  async function outline(code: Code, timeoutMs?: number) {
    const { plugin, bundle } = await pluginOf(code);
    return outlineInWorker(plugin, bundle, kind, timeoutMs);
  }

  async function problem(code: Code, timeoutMs?: number) {
    const { plugin, bundle } = await pluginOf(code);
    const error = await errorOf(outlineInWorker(plugin, bundle, kind, timeoutMs));
    expect(error).toBeInstanceOf(PluginError);
    const { file, ...rest } = (error as PluginError).problem;
    return { ...rest, file: file?.replace(`${plugin.folder}/`, "") };
  }

  test("a handler with all it says of itself", async () => {
    expect(
      await outline(
        `import { defineHandler } from "zmqecho";
         export default defineHandler({ description: "Adds VAT", timeoutMs: 7, isolation: "${kind}", concurrency: 3, handle: () => 1 });`,
      ),
    ).toEqual({
      handler: { description: "Adds VAT", timeoutMs: 7, isolation: kind, concurrency: 3 },
      codec: false,
    });
  });

  test("a function, and a codec", async () => {
    expect(await outline("export default () => 1;")).toEqual({ handler: {}, codec: false });
    expect(
      await outline(
        `import { defineCodec } from "zmqecho"; export const codec = defineCodec({ encode: () => new Uint8Array(), decode: () => 1 });`,
      ),
    ).toEqual({ codec: true });
  });

  test("its code does not run here", async () => {
    await outline("globalThis.outlined = true; export default () => 1;");
    expect(globalThis).not.toHaveProperty("outlined");
  });

  test("what throws is told with its place", async () => {
    const files = {
      "vat.ts": 'import "./lib.ts"; export default () => 1;',
      "lib.ts": "\nconst table = undefined as any;\n  table.rates;",
    };
    expect(await problem(files)).toEqual({
      name: "vat",
      file: "lib.ts",
      line: 3,
      column: 9,
      message: "Cannot read properties of undefined (reading 'rates')",
    });
  });

  test("the wrong shape is told", async () => {
    expect(await problem("export default 7;")).toMatchObject({
      file: "vat.ts",
      message: expect.stringContaining("the default export is a number"),
    });
  });

  test.each([
    ["await new Promise(() => {});", "top-level await took longer than 20 ms; do slow work in setup"],
    ["for (;;);", "loading it took over 20 ms; is there a loop that never ends?"],
  ])("%s ends when its time is over", async (code, message) => {
    expect(await problem(`${code} export default () => 1;`, 20)).toEqual({ name: "vat", file: "vat.ts", message });
  });

  test("an exit is told of", async () => {
    expect(await problem("process.exit(3); export default () => 1;")).toEqual({
      name: "vat",
      file: "vat.ts",
      message: `loading it in a ${kind} failed: it exited with code 3`,
    });
  });

  test("an error that nobody catches is told of", async () => {
    const code = "setImmediate(() => { throw new Error('x'); }); await new Promise(() => {}); export default () => 1;";
    expect(await problem(code)).toMatchObject({
      message: `loading it in a ${kind} failed: it died of an error that nobody caught: x`,
    });
  });
});

test("a crash of native code in a process is told of", async () => {
  const { plugin, bundle } = await pluginOf("process.abort(); export default () => 1;");
  expect((await errorOf(outlineInWorker(plugin, bundle, "process"))).message).toContain(
    "loading it in a process failed: it was ended by SIGABRT: out of memory, or a crash of native code",
  );
});
