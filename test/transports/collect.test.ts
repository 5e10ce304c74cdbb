import { constants, PerformanceObserver } from "node:perf_hooks";
import { expect, onTestFinished, test } from "vitest";
import { collectEarly, noteReceived } from "../../src/transports/zmq/collect.ts";

const MIB = 1024 * 1024;

/** How many collections of young objects there were while `work` ran. */
async function collections(work: () => void): Promise<number> {
  const kinds: unknown[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push((entry as unknown as { detail: { kind: number } }).detail.kind);
  });
  onTestFinished(() => observer.disconnect());
  observer.observe({ entryTypes: ["gc"] });
  work();
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  return kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
}

test("young objects are collected after every 16 MiB of messages, in a process that asked for it", async () => {
  const message = [new Uint8Array(5), new Uint8Array(0), new Uint8Array(MIB)];
  const receive = () => {
    for (let count = 0; count < 64; count++) noteReceived(message);
  };
  expect(await collections(receive)).toBeLessThan(4);
  collectEarly();
  expect(await collections(receive)).toBeGreaterThanOrEqual(4);
});

test("messages so small that they are copied count for nothing", async () => {
  collectEarly();
  const message = [new Uint8Array(128)];
  const minor = await collections(() => {
    for (let bytes = 0; bytes < 64 * MIB; bytes += 128) noteReceived(message);
  });
  expect(minor).toBeLessThan(4);
});
