import { expect, test } from "vitest";
import { createNews } from "../src/news.ts";
import { recordingLog } from "./hosts.ts";

test("what is said is written, and kept from info on", () => {
  const log = recordingLog();
  const news = createNews(log);
  news.log.debug({ a: 1 }, "one");
  news.log.info("two");
  news.log.error({ err: new Error("no"), endpoint: "e" }, "three");
  expect(log.records.map(({ level, message }) => [level, message])).toEqual([
    ["debug", "one"],
    ["info", "two"],
    ["error", "three"],
  ]);
  expect(news.after(0)).toEqual([
    { id: 1, at: expect.any(Number), level: "info", text: "two", times: 1 },
    { id: 2, at: expect.any(Number), level: "error", text: "three", times: 1, endpoint: "e" },
  ]);
  expect(news.after(1)).toHaveLength(1);
});

test("what is said again is one line, the newest", () => {
  const { log, after } = createNews(recordingLog());
  for (const text of ["a", "b", "a", "a"]) log.warn(text);
  log.error("a");
  expect(after(0).map(({ level, text, times }) => [level, text, times])).toEqual([
    ["warn", "b", 1],
    ["warn", "a", 3],
    ["error", "a", 1],
  ]);
});

test("a hundred lines are kept, and each is cut", () => {
  const { log, after } = createNews(recordingLog());
  for (let count = 0; count < 250; count++) log.info(`${count} ${"x".repeat(1000)}`);
  expect(after(0)).toHaveLength(100);
  expect(after(0).at(-1)?.text).toMatch(/^249 x{395}…$/);
});

test("what a child says is written, and not kept", () => {
  const log = recordingLog();
  const news = createNews(log);
  news.log.child({ handler: "h" }).error("its own");
  expect(log.records).toMatchObject([{ fields: { handler: "h" }, message: "its own" }]);
  expect(news.after(0)).toEqual([]);
});
