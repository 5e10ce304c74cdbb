/** The page that `bench --report` writes, in a real browser. Needs Debian's chromium; `CHROMIUM` names another one. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Figures } from "../../src/bench/figures.ts";
import { countText, millisecondsText, percentText } from "../../src/bench/numbers.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";
import { run } from "../processes.ts";

let browser: Browser;

beforeAll(async () => {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  // Its sandbox does not work as root, nor in most containers, and this page is our own.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
afterAll(() => browser?.close());

test("the page shows the figures as plots and in words, asks for nothing, and complains of nothing", async () => {
  let seen = 0;
  const flaky = () => {
    if (++seen % 10 === 0) throw new ZmqEchoError("aborted", "<script>alert(1)</script>");
    return "";
  };
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "flaky", concurrency: 16 } } }, { flaky });
  const cwd = folderWith({});
  const args = ["--duration", "1s", "--rate", "200", "--connections", "4", "--report", "report.html", "-o", "json"];
  const { code, stdout } = await run(["bench", addressOf(host, "e"), ...args, "--fail-if", "rps<1"], { cwd });
  expect(code).toBe(0);
  const figures: Figures = JSON.parse(stdout);

  const page = await browser.newPage();
  const noise: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(error.message));
  page.on("dialog", (dialog) => noise.push(dialog.message()));
  page.on("request", (request) => requests.push(request.url()));
  const url = pathToFileURL(join(cwd, "report.html")).href;
  await page.goto(url);
  await page.screenshot({ fullPage: true });

  expect(noise).toEqual([]);
  expect(requests).toEqual([url]);
  expect(await page.title()).toBe(`zmqecho bench: ${figures.target.addresses[0]}`);
  const text = (selector: string) => page.locator(selector).textContent();
  expect(await text("#rps")).toBe(countText(figures.rps));
  expect(await text("#ok")).toBe(countText(figures.ok));
  expect(await text("#failed")).toBe(countText(figures.failed));
  expect(await text("#error-rate")).toBe(percentText(figures.errorRate));
  for (const [row, latency] of [
    ["#latency", figures.latencyMs],
    ["#service", figures.serviceMs],
  ] as const) {
    expect(await page.locator(`${row} td`).allTextContents()).toEqual(
      Object.values(latency ?? {}).map(millisecondsText),
    );
  }
  expect(await page.locator("#errors-table td").allTextContents()).toEqual([
    "aborted",
    String(figures.failed),
    "<script>alert(1)</script>",
  ]);
  expect(await page.locator("#conditions td").allTextContents()).toContain("passed");

  const plots = page.getByRole("img");
  expect(await plots.count()).toBe(4);
  for (const plot of await plots.all()) {
    expect(await plot.locator("> title").textContent()).toMatch(/\w{5}/);
    expect(await plot.locator("> desc").textContent()).toMatch(/\d/);
    const paths = await plot.locator("path").evaluateAll((all) => all.map((path) => path.getAttribute("d") ?? ""));
    expect(paths.length).toBeGreaterThanOrEqual(2);
    for (const path of paths) expect(path).toMatch(/^M[\d.]+ [\d.]+([MLHVhvZ][\d. -]*)+$/);
    // Nothing is drawn, or written, outside of the frame.
    const outer = await plot.boundingBox();
    for (const label of await plot.locator("> text").all()) {
      const box = await label.boundingBox();
      expect(box?.x).toBeGreaterThanOrEqual((outer?.x ?? 0) - 1);
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual((outer?.x ?? 0) + (outer?.width ?? 0) + 1);
    }
  }
  expect(
    await page
      .locator("#figures")
      .textContent()
      .then((json) => JSON.parse(json ?? "")),
  ).toEqual(figures);
  expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
});
