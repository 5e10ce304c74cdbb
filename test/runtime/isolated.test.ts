import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { CallError, ZmqEchoError } from "../../src/errors.ts";
import { deadline, errorOf, JSON_RECIPE, jobOf, KINDS, walled } from "./workers.ts";

const ECHO = "export default (input) => input;";

describe.each(KINDS)("in a %s", (kind) => {
  test("a handler as a function, with a local import and a package of Node", async () => {
    const { call } = await walled(kind, {
      "vat.ts": `import { rate } from "./rate.ts"; import { sep } from "node:path";
        enum Kind { Vat = "vat" }
        export default async (input: { net: number }) => [input.net * rate, sep, Kind.Vat];`,
      "rate.ts": "export const rate = await Promise.resolve(2);",
    });
    expect(await call({ net: 21 })).toEqual([42, "/", "vat"]);
  });

  test("what the context says of the call", async () => {
    const { call } = await walled(
      kind,
      `export default {
        setup: ({ handler, options }) => ({ handler, options }),
        handle: (_, c) => [c.handler, c.endpoint, c.codec, c.requestId, c.metadata, c.deadline, c.options, c.state, c.signal.aborted],
      };`,
      { options: { rate: 19 } },
    );
    const at = Date.now() + 1234.5;
    expect(
      await call(null, { endpoint: "shop", metadata: { tenant: "acme" }, requestId: "r-7", deadline: at }),
    ).toEqual([
      "vat",
      "shop",
      "json",
      "r-7",
      { tenant: "acme" },
      at,
      { rate: 19 },
      { handler: "vat", options: { rate: 19 } },
      false,
    ]);
  });

  test("options of every kind arrive, as they were when the runner was made", async () => {
    const options = { big: 2n ** 70n, when: new Date(0), bytes: new Uint8Array([1]), list: [1] };
    const { call } = await walled(
      kind,
      "export default (_, { options: { big, when, bytes, list } }) => [String(big), when.getTime(), bytes[0], list.length];",
      { options },
    );
    options.list.push(2);
    expect(await call(null)).toEqual([String(2n ** 70n), 0, 1, 1]);
  });

  test("options that can't be handed over are refused at once", async () => {
    await expect(walled(kind, ECHO, { options: { hook: () => 1 } })).rejects.toMatchObject({
      code: "invalid_argument",
      message: `the options of handler "vat" can't be handed to a ${kind}: () => 1 could not be cloned.`,
    });
  });

  test("an error for the caller keeps its code, text and details", async () => {
    const { call } = await walled(
      kind,
      `import { ZmqEchoError } from "zmqecho";
       export default () => { throw new ZmqEchoError("not_found", "no such item", { details: { item: [7], when: new Date(0) }, cause: new Error("why") }); };`,
    );
    const error = await errorOf(call(null));
    expect(error).toBeInstanceOf(ZmqEchoError);
    expect(error).toMatchObject({
      name: "ZmqEchoError",
      code: "not_found",
      message: "no such item",
      details: { item: [7], when: "1970-01-01T00:00:00.000Z" },
      cause: { message: "why" },
    });
  });

  test("the failed call of a client of its own stays one", async () => {
    const { call } = await walled(
      kind,
      `import { CallError, ZmqEchoError } from "zmqecho";
       export default () => { throw new CallError(new ZmqEchoError("unavailable", "far away", { details: { a: 1 } })); };`,
    );
    const error = await errorOf(call(null));
    expect(CallError.is(error)).toBe(true);
    expect(error).toMatchObject({ code: "unavailable", message: "far away", details: { a: 1 } });
  });

  test("any other error keeps class, text, facts and its lines in the plugin's source", async () => {
    const { call, file } = await walled(kind, {
      "vat.ts": `import { explode } from "./lib.ts";\n\nexport default (input: string) => explode(input);`,
      "lib.ts": `import { readFileSync } from "node:fs";\nexport function explode(input: string): never {
        if (input === "type") return (null as any).x;\n        return readFileSync("/does/not/exist") as never;\n      }`,
    });
    const type = await errorOf(call("type"));
    expect(type).toBeInstanceOf(TypeError);
    expect(type.message).toBe("Cannot read properties of null (reading 'x')");
    expect(type.stack).toMatch(`${file.replace("vat.ts", "lib.ts")}:3:`);
    expect(type.stack).toMatch(`${file}:3:`);
    expect(await errorOf(call("file"))).toMatchObject({ code: "ENOENT", syscall: "open", path: "/does/not/exist" });
  });

  test.each([
    ['"text"', "not an Error was thrown: 'text'"],
    ["undefined", "not an Error was thrown: undefined"],
    ["{ a: [{ b: {} }] }", "not an Error was thrown: { a: [ { b: {} } ] }"],
    ["Object.defineProperty(new Error(), 'message', { get() { throw 1; } })", "something unreadable was thrown"],
  ])("a thrown %s is an Error that says so", async (thrown, message) => {
    const { call } = await walled(kind, `export default () => { throw ${thrown}; };`);
    expect((await errorOf(call(null))).message).toBe(message);
  });

  test("input and output go through their schemas", async () => {
    const schema = (name: string, check: string) =>
      `${name}: { "~standard": { version: 1, vendor: "test", validate: async (value) => ${check} } }`;
    const { call } = await walled(
      kind,
      `export default {
        ${schema("input", 'typeof value === "number" ? { value: value + 1 } : { issues: [{ message: "no number", path: ["a", 0] }] }')},
        ${schema("output", 'value < 100 ? { value } : { issues: [{ message: "too much" }] }')},
        handle: (input) => input * 10,
      };`,
    );
    expect(await call(1)).toBe(20);
    await expect(call("x")).rejects.toMatchObject({
      code: "invalid_argument",
      message: "the input is refused: $.a[0]: no number",
      details: { issues: [{ path: "$.a[0]", message: "no number" }] },
    });
    await expect(call(99)).rejects.toMatchObject({ code: "internal", cause: { message: "$: too much" } });
  });

  test("what can't be decoded, and what can't be encoded, is refused there", async () => {
    const { call, runner } = await walled(
      kind,
      "export default (input) => { if (input === 1) return { f() {} }; const ring = {}; ring.ring = ring; return ring; };",
    );
    await expect(runner.run(jobOf([Buffer.from("{")]))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(call(1)).rejects.toMatchObject({
      code: "internal",
      message: "the handler's result can't be encoded",
      cause: { message: expect.stringContaining("$.f") },
    });
    await expect(call(2)).rejects.toMatchObject({ code: "internal" });
    expect(runner.workers.lost()).toBe(0);
  });

  test("its timers go on while it is idle", async () => {
    const { call, log } = await walled(
      kind,
      "export default (_, { log }) => { setTimeout(() => log.info('ticked'), 5); return 1; };",
    );
    expect(await call(null)).toBe(1);
    expect(await log.logged("ticked")).toMatchObject({ fields: { requestId: "r-1" } });
  });

  test("import.meta and stacks are those of the source", async () => {
    const { call, file } = await walled(kind, "export default () => import.meta.url;");
    expect(await call(null)).toBe(pathToFileURL(file).href);
  });

  test("a call whose caller has given up does not run", async () => {
    const { call, runner } = await walled(kind, ECHO);
    const { signal, pass } = deadline();
    pass();
    await expect(call(1, { signal })).rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(runner.workers.live()).toBe(0);
  });

  test("one that gives up while the worker starts does not run either", async () => {
    const { call, log } = await walled(
      kind,
      `export default { setup({ log }) { log.info("starting"); }, handle(input, { log }) { log.info("ran " + input); return input; } };`,
    );
    const { signal, pass } = deadline();
    const first = call("first", { signal });
    const failed = expect(first).rejects.toMatchObject({ code: "deadline_exceeded" });
    pass();
    await failed;
    expect(await call("second")).toBe("second");
    expect(log.records.map(({ message }) => message)).toEqual(["starting", "ran second"]);
  });

  test("the recipe's own name counts", async () => {
    const { call } = await walled(kind, "export default (_, { codec }) => codec;");
    expect(await call(null, { recipe: { ...JSON_RECIPE, name: "mine" } })).toBe("mine");
  });
});
