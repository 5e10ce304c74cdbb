/** What `top` makes of counts, and how it fits a window. */
import { describe, expect, test } from "vitest";
import { intervalOf, type Look, latencyAt } from "../../src/cli/top-interval.ts";
import { intervalLines, NO_WINDOW, uptimeText } from "../../src/cli/top-text.ts";
import { LATENCY_BOUNDS_MS } from "../../src/counts.ts";
import type { HostStats } from "../../src/wire/introspection.ts";

/** Counts that were answered with at once. */
const lookAt = (at: number, counts: HostStats): Look => ({ stats: counts, askedAt: at, answeredAt: at });

/** Counts of one endpoint and of handlers, all with the same codes. */
function stats(uptimeMs: number, codes: Record<string, number>, handlers: readonly string[] = ["h"]): HostStats {
  const requests = Object.values(codes).reduce((sum, count) => sum + count, 0);
  const buckets = LATENCY_BOUNDS_MS.map((_, index) => (index === 3 ? requests : 0));
  const counts = { codes, latency: { buckets: [...buckets, 0], sumMs: 0 }, inFlight: 2 };
  return {
    uptimeMs,
    reloads: { done: 1, failed: 0 },
    latencyBoundsMs: LATENCY_BOUNDS_MS,
    endpoints: { e: { ...counts, queued: 3, refused: codes.resource_exhausted ?? 0, droppedReplies: 0 } },
    handlers: Object.fromEntries(handlers.map((name) => [name, counts])),
  };
}

describe("an interval", () => {
  test("has what came between the two looks, by the host's clock", () => {
    const before = lookAt(0, stats(10_000, { ok: 100, internal: 1 }));
    const interval = intervalOf(before, {
      stats: stats(12_000, { ok: 140, internal: 4, aborted: 1 }),
      askedAt: 1990,
      answeredAt: 2100,
    });
    expect(interval).toMatchObject({
      ms: 2000,
      since: "look",
      total: { requests: 44, perSecond: 22, errorsPerSecond: 2 },
    });
    expect(interval.endpoints).toMatchObject([
      { name: "e", errors: { internal: 3, aborted: 1 }, inFlight: 2, queued: 3 },
    ]);
  });

  test("is since the host's start where there was no look before", () => {
    const interval = intervalOf(undefined, lookAt(0, stats(4000, { ok: 8 })));
    expect(interval).toMatchObject({ since: "start", ms: 4000, total: { perSecond: 2 } });
  });

  test.each([
    ["its uptime is less", { uptimeMs: 500, at: 11_000 }],
    ["its uptime is more, and yet less than has passed", { uptimeMs: 30_000, at: 60_000 }],
    ["its uptime is more, and less than has passed by little", { uptimeMs: 10_500, at: 600 }],
  ])("is since the start of another run of the host: %s", (_, { uptimeMs, at }) => {
    const before = lookAt(0, stats(10_000, { ok: 100 }));
    const interval = intervalOf(before, lookAt(at, stats(uptimeMs, { ok: 5 })));
    expect(interval).toMatchObject({ since: "restart", ms: uptimeMs, total: { requests: 5 } });
  });

  test("has no negative counts, whatever is counted anew", () => {
    const before = lookAt(0, stats(10_000, { ok: 100 }));
    const interval = intervalOf(before, lookAt(2000, stats(12_000, { ok: 7 })));
    expect(interval.handlers).toMatchObject([{ requests: 7, perSecond: 3.5 }]);
  });

  test("takes what is no number for none: a server may be anybody's", () => {
    const odd = {
      endpoints: { e: { codes: { ok: "many", internal: -4 }, latency: [1] }, f: null },
      handlers: { h: 5 },
    };
    const interval = intervalOf(undefined, lookAt(0, odd as unknown as HostStats));
    expect(interval.total).toMatchObject({ requests: 0, perSecond: 0 });
    expect(intervalLines(interval, "name", NO_WINDOW).map(({ text }) => text)).toHaveLength(9);
  });
});

test("a percentile is interpolated within its bucket", () => {
  const bounds = [1, 10, 100];
  expect(latencyAt(0.5, [0, 10, 0, 0], bounds)).toEqual({ ms: 5.5, over: false });
  expect(latencyAt(0.99, [99, 0, 1, 0], bounds)).toEqual({ ms: 1, over: false });
  expect(latencyAt(0.995, [99, 0, 1, 0], bounds)?.ms).toBeCloseTo(55);
  expect(latencyAt(0.9, [1, 0, 0, 9], bounds)).toEqual({ ms: 100, over: true });
  expect(latencyAt(0.5, [0, 0, 0, 0], bounds)).toBeUndefined();
});

const names = Array.from({ length: 30 }, (_, index) => `handler.with.a.long.name.${String(index).padStart(2, "0")}`);

test.each([
  [80, 24],
  [40, 10],
  [20, 5],
  [200, 60],
])("what is shown fits a window of %d columns and %d lines", (columns, rows) => {
  const interval = intervalOf(undefined, lookAt(0, stats(1000, { ok: 5, internal: 2 }, names)));
  const lines = intervalLines(interval, "name", { columns, rows });
  expect(lines.length).toBeLessThanOrEqual(rows);
  expect(Math.max(...lines.map(({ text }) => text.length))).toBeLessThanOrEqual(columns);
});

test("what does not fit in length is counted", () => {
  const interval = intervalOf(undefined, lookAt(0, stats(1000, { ok: 5 }, names)));
  const texts = intervalLines(interval, "name", { columns: 80, rows: 20 }).map(({ text }) => text);
  expect(texts).toHaveLength(20);
  expect(texts.at(-1)).toBe("… and 18 more");
  expect(texts.filter((text) => text.startsWith("handler."))).toHaveLength(12);
});

test("rows are sorted by what is asked for, and by name where that is the same", () => {
  const now = stats(1000, { ok: 1 }, ["b", "a"]);
  const busy = { ...stats(1000, { ok: 9 }).handlers.h, inFlight: 0 } as HostStats["handlers"][string];
  const interval = intervalOf(undefined, lookAt(0, { ...now, handlers: { ...now.handlers, c: busy } }));
  const order = (sort: "name" | "requests" | "in-flight") =>
    intervalLines(interval, sort, NO_WINDOW).flatMap(({ text }) => /^[abc] /.exec(text)?.[0].trim() ?? []);
  expect([order("requests"), order("name"), order("in-flight")]).toEqual([
    ["c", "a", "b"],
    ["a", "b", "c"],
    ["a", "b", "c"],
  ]);
});

test("refused keys have a column where the host tells of them", () => {
  const now = stats(1000, { ok: 1 });
  const e = { ...now.endpoints.e, refusedKeys: 7 } as HostStats["endpoints"][string];
  const heading = (endpoints: HostStats["endpoints"]) =>
    intervalLines(intervalOf(undefined, lookAt(0, { ...now, endpoints })), "name", NO_WINDOW).find(({ text }) =>
      text.startsWith("ENDPOINT"),
    )?.text;
  expect(heading({ e })).toContain("BAD KEYS");
  expect(heading(now.endpoints)).not.toContain("BAD KEYS");
});

test("an uptime has days only where there are some", () => {
  expect([uptimeText(3_723_000), uptimeText(86_400_000 * 3 + 5000)]).toEqual(["01:02:03", "3 d 00:00:05"]);
});
