import { describe, expect, test } from "vitest";
import { judge, parseCondition } from "../../src/bench/fail-if.ts";
import { figuresWith } from "./figures.ts";

test.each([
  ["p99>5ms", { metric: "p99", operator: ">", bound: 5 }],
  ["p99.9>=250us", { metric: "p99.9", operator: ">=", bound: 0.25 }],
  ["p99.99 > 250µs", { metric: "p99.99", operator: ">", bound: 0.25 }],
  [" mean <= 1.5s ", { metric: "mean", operator: "<=", bound: 1500 }],
  ["max<1ms", { metric: "max", operator: "<", bound: 1 }],
  ["errors>0.1%", { metric: "error rate", operator: ">", bound: 0.001 }],
  ["errors > 3", { metric: "errors", operator: ">", bound: 3 }],
  ["rps<1000", { metric: "rps", operator: "<", bound: 1000 }],
])("%s is read", (text, expected) => {
  expect(parseCondition(text)).toEqual({ text: text.trim(), ...expected });
});

test.each([
  "",
  "p99",
  "p99>",
  "p99>5",
  "p98>5ms",
  "p99=5ms",
  "p99>5m",
  "p99>-5ms",
  "errors>1ms",
  "rps<10%",
  "rps<1e3",
  "p99>5ms,max>1s",
])("%j is refused, with what is accepted", (text) => {
  expect(() => parseCondition(text)).toThrow(/^It takes min, mean, p50, .* as in 'p99>5ms'\.$/);
});

describe("judging", () => {
  const figures = figuresWith({ failed: 1, notSent: 1, errorRate: 0.02, rps: 100 });

  test.each([
    ["p99>5ms", false, "5.00 ms"],
    ["p99>=5ms", true, "5.00 ms"],
    ["p99>4999us", true, "5.00 ms"],
    ["rps<100", false, "100"],
    ["rps<=100", true, "100"],
    ["errors>1%", true, "2%"],
    ["errors>2%", false, "2%"],
    ["errors>=2", true, "2"],
  ])("%s holds: %s, measured %s", (text, failed, measured) => {
    expect(judge(parseCondition(text), figures)).toEqual({ condition: text, failed, measured });
  });

  test("a latency that was not measured is no good one", () => {
    const nothing = figuresWith({ latencyMs: null });
    expect(judge(parseCondition("p99>1s"), nothing)).toMatchObject({ failed: true });
    expect(judge(parseCondition("p99<1s"), nothing)).toMatchObject({ failed: true });
  });
});
