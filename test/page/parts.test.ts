import { expect, test } from "vitest";
import { exampleOf } from "../../page/example.ts";
import { ALL, createHistory, handlerSubject } from "../../page/history.ts";
import { quantileOf } from "../../page/quantile.ts";
import { LATENCY_BOUNDS_MS } from "../../src/counts.ts";
import type { HostStats } from "../../src/wire/introspection.ts";

test("a quantile lies within the bucket that holds it", () => {
  expect(quantileOf([1, 10, 100], [50, 50, 0, 0], 0.5)).toBe(1);
  expect(quantileOf([1, 10, 100], [0, 100, 0, 0], 0.5)).toBe(5.5);
  expect(quantileOf([1, 10, 100], [0, 0, 0, 3], 0.99)).toBe(100);
  expect(quantileOf([1, 10, 100], [0, 0, 0, 0], 0.5)).toBeUndefined();
});

function statsAt(second: number, ok: number, failed = 0): HostStats {
  const buckets = LATENCY_BOUNDS_MS.map((_, index) => (index === 3 ? ok + failed : 0));
  const counts = {
    inFlight: 0,
    queued: 0,
    refused: 0,
    droppedReplies: 0,
    codes: { ok, internal: failed },
    latency: { buckets: [...buckets, 0], sumMs: 0 },
  };
  return {
    uptimeMs: second * 1000,
    reloads: { done: 0, failed: 0 },
    latencyBoundsMs: LATENCY_BOUNDS_MS,
    endpoints: { e: counts, f: counts },
    handlers: { h: counts },
  };
}

test("rates are of the time between two counts, and of all endpoints together", () => {
  const history = createHistory();
  history.add(statsAt(1, 10), 1000);
  history.add(statsAt(3, 30, 4), 3000);
  expect(history.now(handlerSubject("h"))).toMatchObject({ ok: 10, failed: 2, total: 34, failures: 4 });
  expect(history.now(ALL)).toMatchObject({ ok: 20, failed: 4, total: 68 });
  expect(history.now(ALL).p50).toBeGreaterThan(0.5);
});

test("ten minutes are kept, and no more", () => {
  const history = createHistory();
  for (let second = 0; second < 1000; second++) history.add(statsAt(second, second), second * 1000);
  expect(history.points(ALL)).toHaveLength(600);
  expect(history.points(ALL).at(-1)?.at).toBe(999);
});

test("an example fits what a schema says", () => {
  const schema = {
    type: "object",
    properties: {
      id: { type: "integer", minimum: 5, maximum: 9 },
      kind: { enum: ["a", "b"] },
      at: { type: "string", format: "date-time" },
      tags: { type: "array", items: { type: "string", default: "new" } },
      either: { anyOf: [{ type: "boolean" }, { type: "null" }] },
      other: { $ref: "#/$defs/other" },
      fixed: { const: 7 },
    },
    $defs: { other: { type: "object", properties: { self: { $ref: "#/$defs/other" } } } },
  };
  expect(exampleOf(schema)).toMatchObject({
    id: 5,
    kind: "a",
    at: expect.stringContaining("T"),
    tags: ["new"],
    either: true,
    fixed: 7,
  });
  expect(exampleOf({})).toBeNull();
});

test("a type made of itself many times over is in its example once, and no name is more than a name", () => {
  const names = Array.from({ length: 20 }, (_, index) => `part${index}`);
  const properties = Object.fromEntries(names.map((name) => [name, { $ref: "#/$defs/node" }]));
  const schema = { $ref: "#/$defs/node", $defs: { node: { type: "object", properties } } };
  expect(exampleOf(schema)).toEqual(Object.fromEntries(names.map((name) => [name, null])));
  expect(exampleOf({ type: "object", properties: { again: { $ref: "#" } } })).toEqual({ again: null });
  expect(exampleOf({ type: "string", format: "constructor" })).toBe("text");
  expect(exampleOf({ $ref: "#/constructor/prototype", type: "boolean" })).toBe(true);
});
