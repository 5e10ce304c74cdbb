/** The log of a worker is the host's. */
import { describe, expect, test } from "vitest";
import { KINDS, walled } from "./workers.ts";

describe.each(KINDS)("in a %s", (kind) => {
  test("its log is the host's, with what can't cross as text", async () => {
    const { call, log } = await walled(
      kind,
      `export default {
        setup({ log }) { log.debug("set up"); },
        handle(_, { log }) {
          const hostile = { get x() { throw new Error("no"); } };
          log.child({ part: "a" }).warn({ n: 1, f() {}, symbol: Symbol("s"), url: new URL("tcp://a"), hostile, err: new TypeError("why"), map: new Map([[1, 2]]) }, "look");
          log.error(new Error("alone"));
          log.info({ module: new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) });
          return 1;
        },
        teardown() {},
      };`,
    );
    expect(await call(null)).toBe(1);
    expect(log.records).toMatchObject([
      { level: "debug", message: "set up", fields: { handler: "vat" } },
      {
        level: "warn",
        message: "look",
        fields: {
          handler: "vat",
          requestId: "r-1",
          part: "a",
          n: 1,
          f: "[Function: f]",
          symbol: "Symbol(s)",
          url: "tcp://a",
          hostile: "{ x: [Getter] }",
          err: expect.any(TypeError),
          map: new Map([[1, 2]]),
        },
      },
      { level: "error", message: "alone", fields: { err: { message: "alone" } } },
      { level: "info", message: "", fields: { module: expect.anything() } },
    ]);
  });

  test("a log of the host that throws costs nothing but its line", async () => {
    const broken = () => {
      throw new Error("disk full");
    };
    const log = { debug: broken, info: broken, warn: broken, error: broken, child: () => log };
    const { call } = await walled(kind, "export default (_, { log }) => { log.info('x'); return 1; };", { log });
    expect(await call(null)).toBe(1);
  });
});
