/** Chromium, and pages in it that must not complain. Debian's is used; `CHROMIUM` names another one. */
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";

let browser: Browser;

export function useBrowser(): void {
  beforeAll(async () => {
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    // Its sandbox does not work as root, nor in most containers, and this page is our own.
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(() => browser?.close());
}

export interface Watched {
  readonly page: Page;
  /** What it complained of: errors, violations of its policy, dialogs. */
  readonly noise: string[];
}

/** In a context of its own; closed when the test ends. */
export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const noise: string[] = [];
  page.on("console", (message) => noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(error.message));
  page.on("dialog", (dialog) => {
    noise.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, noise };
}

/** Nothing serious for who can't see it or has no mouse, and nothing beyond its edges. */
export async function expectUsable(page: Page, where: string): Promise<void> {
  // By the debugger: the page's own policy lets no script in.
  await page.evaluate(axe.source);
  const violations = (await page.evaluate(
    `axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
      violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html, failureSummary }) => html + failureSummary) })))`,
  )) as { readonly impact: string }[];
  expect(
    violations.filter(({ impact }) => impact === "serious" || impact === "critical"),
    where,
  ).toEqual([]);
  expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), where).toBeLessThanOrEqual(0);
}

export const PHONE: BrowserContextOptions = { viewport: { width: 360, height: 740 }, colorScheme: "dark" };
