/** Each view of the page, for whoever has no mouse, can't see it well, or holds a phone; and nothing in it is beyond its edges. */
import { test } from "vitest";
import { ANY_PORT } from "../hosts.ts";
import { hostWithPage } from "../http/pages.ts";
import { expectUsable, openPage, PHONE, useBrowser } from "./browser.ts";
import { fail, HOSTILE, linkOf, send, show, twice } from "./site.ts";

useBrowser();

const VIEWS = ["Overview", "Requests", "Call", "Handlers", "Config"];

for (const [size, options] of [
  ["wide and light", {}],
  ["on a phone in the dark", PHONE],
] as const) {
  test(`each view can be used, ${size}: with one handler and no traffic`, async () => {
    const host = await hostWithPage({ endpoints: { all: { bind: ANY_PORT, handlers: ["echo"] } } });
    const { page } = await openPage(host.url, options);
    await page.getByText("Live", { exact: true }).waitFor();
    for (const view of VIEWS) {
      await show(page, view);
      await expectUsable(page, view);
    }
  });

  test(`each view can be used, ${size}: with fifty handlers, long names, failures and results`, async () => {
    const many = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [
        `service-with-a-long-name.method-number-${index}`,
        { description: HOSTILE.repeat(3), handle: () => index },
      ]),
    );
    const host = await hostWithPage({ http: { payloads: true } }, { ...many, fail, twice });
    const { page } = await openPage(linkOf(host), { ...options, reducedMotion: "reduce" });
    await page.getByText("Live", { exact: true }).waitFor();
    await send(host, ["fail", "twice", "echo", ...Object.keys(many)], "word ".repeat(40));
    await page.locator(".bars li").first().waitFor();
    for (const view of VIEWS) {
      await show(page, view);
      if (view === "Call") {
        await page.getByLabel("Handler").selectOption("fail");
        await page.getByRole("button", { name: "Call" }).click();
        await page.getByRole("region", { name: "Details" }).waitFor();
        for (const frames of await page.locator(".frames summary").all()) await frames.click();
      }
      if (view === "Handlers") {
        await page.locator("summary", { hasText: "twice" }).click();
        await page.getByRole("region", { name: "Input schema of twice" }).waitFor();
      }
      if (view === "Config") await page.getByLabel("Defaults too").check();
      await expectUsable(page, view);
    }
  });
}
