import { describe, expect, test } from "vitest";
import { createBacklog } from "../../src/bench/backlog.ts";
import { createIntervals } from "../../src/bench/intervals.ts";
import { createLatencies } from "../../src/bench/latencies.ts";

describe("latencies", () => {
  test("have percentiles within a thousandth, and an exact mean and end", async () => {
    const latencies = await createLatencies();
    for (let ms = 1; ms <= 1000; ms++) latencies.record(ms);
    const figures = latencies.figures();
    expect(figures).toMatchObject({ min: 1, mean: 500.5, max: 1000 });
    for (const [name, exact] of [
      ["p50", 500],
      ["p90", 900],
      ["p99", 990],
    ] as const) {
      expect(Math.abs((figures?.[name] ?? 0) / exact - 1)).toBeLessThan(0.001);
    }
  });

  test("longer than an hour and shorter than a microsecond are recorded", async () => {
    const latencies = await createLatencies();
    latencies.record(0);
    latencies.record(10_000_000);
    expect(latencies.figures()).toMatchObject({ min: 0, max: 10_000_000 });
    expect(latencies.distribution().reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });

  test("are all in the distribution, whose ranges join", async () => {
    const latencies = await createLatencies();
    for (let index = 0; index < 5000; index++) latencies.record(0.1 + (index % 1000) ** 2 / 1000);
    const buckets = latencies.distribution();
    expect(buckets.length).toBeGreaterThan(3);
    expect(buckets.length).toBeLessThanOrEqual(20);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
    for (const [index, { fromMs }] of buckets.entries()) if (index > 0) expect(fromMs).toBe(buckets[index - 1]?.toMs);
  });

  test("that are none have no figures", async () => {
    const latencies = await createLatencies();
    expect([latencies.figures(), latencies.percentiles(), latencies.distribution()]).toEqual([null, [], []]);
  });
});

describe("intervals", () => {
  test("become longer, not more, and lose nothing", () => {
    const intervals = createIntervals();
    for (let at = 0; at < 100_000; at += 50) intervals.add(at, at % 100 === 0 ? 1 : undefined);
    const figures = intervals.figures(100_000);
    expect(figures.length).toBeLessThanOrEqual(64);
    expect(figures.reduce((sum, { ok }) => sum + ok, 0)).toBe(1000);
    expect(figures.reduce((sum, { failed }) => sum + failed, 0)).toBe(1000);
    expect(figures.reduce((sum, { lengthMs }) => sum + lengthMs, 0)).toBe(100_000);
  });

  test("in which nothing ended are there", () => {
    const intervals = createIntervals();
    intervals.add(10, 1);
    intervals.add(390, 2);
    expect(intervals.figures(400).map(({ ok, rps }) => [ok, rps])).toEqual([
      [1, 10],
      [0, 0],
      [0, 0],
      [1, 10],
    ]);
  });

  test("that would be a moment at the end belong to the one before", () => {
    const intervals = createIntervals();
    intervals.add(10, 1);
    intervals.add(101, 1);
    expect(intervals.figures(102)).toMatchObject([{ fromMs: 0, lengthMs: 102, ok: 2 }]);
  });
});

test("a backlog keeps the order, grows, and takes no more than it may", () => {
  const backlog = createBacklog(3000);
  for (let time = 0; time < 700; time++) backlog.push(time);
  for (let time = 0; time < 500; time++) expect(backlog.shift()).toBe(time);
  for (let time = 700; time < 3500; time++) expect(backlog.push(time)).toBe(true);
  expect([backlog.push(1), backlog.size]).toEqual([false, 3000]);
  for (let time = 500; time < 3500; time++) expect(backlog.shift()).toBe(time);
  expect([backlog.shift(), backlog.size]).toEqual([undefined, 0]);
});
