import { expect, test } from "vitest";
import { renderPage } from "../../src/bench/html.ts";
import { renderText } from "../../src/bench/text.ts";
import { figuresWith } from "./figures.ts";

const NASTY = `</script><!--<b a="1" b='2'>&\x1b[31m`;
const nasty = figuresWith({
  target: { addresses: ["ipc:///tmp/<x>&"], handler: NASTY, codec: NASTY, bodies: { count: 1, meanBytes: 1 } },
  errors: [{ code: "aborted", count: 2, message: NASTY }],
  conditions: [{ condition: "p99>5ms", failed: true, measured: "<6 ms" }],
});

test("what strangers wrote can't become part of the page", () => {
  const page = renderPage(nasty);
  expect(page).not.toContain("<b ");
  expect(page).not.toContain("<!--");
  expect(page.match(/<\/script>/g)).toHaveLength(1);
  const [, inside = ""] = /id="figures">(.*)<\/script>/.exec(page) ?? [];
  expect(JSON.parse(inside)).toEqual(nasty);
});

test("nor command the terminal", () => {
  const text = renderText(nasty);
  expect(text).not.toContain("\x1b");
  expect(text).toContain("\\x1b[31m");
});

test("figures of nothing are a page and a text, too", () => {
  const nothing = { ok: 0, latencyMs: null, percentiles: [], distribution: [], intervals: [], elapsedMs: 0, rps: 0 };
  const figures = figuresWith({ ...nothing, interrupted: true });
  for (const rendered of [renderPage(figures), renderText(figures)]) {
    expect(rendered).toContain("interrupted");
    expect(rendered).not.toMatch(/NaN|Infinity|undefined/);
  }
});

test("one latency alone has its plots", () => {
  const bucket = { fromMs: 1, toMs: 1.1, count: 1 };
  const alike = { min: 1, mean: 1, p50: 1, p75: 1, p90: 1, p99: 1, "p99.9": 1, "p99.99": 1, max: 1 };
  const percentiles = [
    { percentile: 0, ms: 1 },
    { percentile: 100, ms: 1 },
  ];
  const page = renderPage(figuresWith({ ok: 1, latencyMs: alike, percentiles, distribution: [bucket] }));
  expect(page).not.toMatch(/NaN|Infinity/);
});
