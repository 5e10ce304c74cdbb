import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createKeeper } from "../../src/capture/keeper.ts";
import type { Call } from "../../src/core/call.ts";
import { folderWith } from "../config/folder.ts";
import { recordingLog } from "../hosts.ts";
import { requestsIn } from "./kept.ts";

const HEAD = { target: "tcp://127.0.0.1:1", codec: "raw", zep: false };
const outcome = { code: "internal", message: "no", details: { requestId: "1" } } as const;
const durations = { totalMs: 1, waitedMs: 0 };

function callOf(body: Call["body"]): Call {
  const source = { transport: "test", endpoint: "e" };
  return { handler: "it", codec: "raw", metadata: {}, body, receivedAt: 0, source };
}

test("what the disk does not take in time is dropped and counted, beyond 64 MiB", async () => {
  const log = recordingLog();
  // None fits on the disk, so that the test need not write them.
  const keeper = createKeeper(join(folderWith({}), "captures"), { max: 10, maxBytes: 1000 }, log);
  const body = [Buffer.alloc(30 * 1024 * 1024)];
  for (let count = 0; count < 5; count++) keeper.keep({ call: callOf(body), outcome, durations, head: () => HEAD });
  await keeper.written();
  expect(log.records).toMatchObject([
    {
      level: "error",
      message: expect.stringMatching(/can't keep failed requests in .*: a request and its reply take/),
    },
    { level: "warn", fields: { count: 3 }, message: expect.stringContaining("faster than the disk") },
  ]);
  keeper.keep({ call: callOf([Buffer.from("there is room again")]), outcome, durations, head: () => HEAD });
  await keeper.written();
  expect(log.records).toHaveLength(2);
});

test("details that a handler gives take from those 64 MiB, too", async () => {
  const log = recordingLog();
  const keeper = createKeeper(join(folderWith({}), "captures"), { max: 10, maxBytes: 1_000_000 }, log);
  const details = { requestId: "1", much: "x".repeat(30 * 1024 * 1024) };
  for (let count = 0; count < 5; count++)
    keeper.keep({ call: callOf([]), outcome: { ...outcome, details }, durations, head: () => HEAD });
  await keeper.written();
  expect(log.records).toMatchObject([{ level: "warn", fields: { count: 3 } }]);
});

test("of more than max that wait, those that would be removed again are not written, so that a stop waits for no others", async () => {
  const dir = join(folderWith({}), "captures");
  const keeper = createKeeper(dir, { max: 3, maxBytes: 1_000_000 }, recordingLog());
  for (let number = 0; number < 500; number++)
    keeper.keep({ call: callOf([Buffer.from(`${number}`)]), outcome, durations, head: () => HEAD });
  await keeper.written();
  expect(await requestsIn(dir)).toEqual(["497", "498", "499"]);
  // Each file has one of them, and a number.
  expect(readdirSync(dir).map((name) => Number(/-(\d+)\.jsonl$/.exec(name)?.[1]))).toEqual([1, 2, 3]);
});
