/** A handler that says more than anybody can read. */
import { describe, expect, test } from "vitest";
import { deadline, errorOf, KINDS, walled } from "./workers.ts";

describe.each(KINDS)("in a %s", (kind) => {
  test("that logs without end does not take the host's time, and is killed when its call is over", async () => {
    const { call, log } = await walled(kind, 'export default (_, { log }) => { for (;;) log.info("again"); };');
    const { signal, pass } = deadline();
    const result = call(null, { signal });
    await log.logged("again");
    // A timer of ours fires: the messages leave room for it.
    setTimeout(pass, 50);
    expect((await errorOf(result)).message).toMatch(/was killed$/);
    expect(log.records.length).toBeLessThan(20_000);
  });

  test("lines that were dropped are counted, and told of with the next one", async () => {
    const { call, log } = await walled(
      kind,
      `export default async (_, { log }) => {
        for (let count = 0; count < 5000; count++) log.info("again");
        await new Promise((resolve) => setTimeout(resolve, 50));
        log.info("last");
      };`,
    );
    await call(null);
    await log.logged("last");
    const dropped = log.records.filter(({ level }) => level === "warn").map(({ message }) => message);
    expect(dropped[0]).toMatch(/^\d+ lines were dropped here: there were more than 1000 a second$/);
    const written = log.records.filter(({ message }) => message === "again").length;
    expect(dropped.reduce((sum, text) => sum + Number.parseInt(text, 10), written)).toBe(5000);
  });

  test("whose error has megabytes of text fails like any other, with its beginning in the log", async () => {
    const { call } = await walled(kind, 'export default () => { throw new Error("x".repeat(20_000_000)); };');
    const { message } = await errorOf(call(null));
    expect(message.length).toBeLessThan(20_000);
    expect(message).toMatch(/^xxx/);
  });

  test("that logs what resists being read is answered", async () => {
    const { call, log } = await walled(
      kind,
      `export default (_, { log }) => {
        log.info({ it: new Proxy({}, { getPrototypeOf() { throw new Error("no"); } }) }, "told");
        return "ok";
      };`,
    );
    expect(await call(null)).toBe("ok");
    expect((await log.logged("told")).fields).toHaveProperty("it");
  });
});
