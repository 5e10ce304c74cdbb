/** What the page of a host shows while things happen, in a real browser. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith } from "../config/folder.ts";
import { hostWithPage } from "../http/pages.ts";
import { expectUsable, openPage, useBrowser } from "./browser.ts";
import { fail, HOSTILE, linkOf, send, show, twice } from "./site.ts";

useBrowser();

test("numbers, plots, errors and requests follow the traffic, and nothing complains", async () => {
  const host = await hostWithPage({}, { fail });
  const { page, noise } = await openPage(host.url);
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByText("None since the start.").waitFor();
  const row = page.getByRole("row", { name: /^fail / });
  await expect.poll(() => row.getByRole("cell").nth(4).textContent()).toBe("0");
  await send(host, [...new Array(20).fill("echo"), ...new Array(5).fill("fail")]);
  await expect.poll(() => row.getByRole("cell").nth(4).textContent(), { timeout: 5000 }).toBe("5");
  const rates = page.getByRole("img", { name: /^Requests a second/ });
  expect(await page.locator(".bars li").allTextContents()).toEqual(["aborted5"]);
  expect(await rates.getAttribute("aria-label")).toMatch(/Now: ok [\d.]+, failed [\d.]+\.$/);
  await row.getByRole("button").click();
  await expect.poll(() => page.getByLabel("Traffic of").inputValue()).toBe("handler fail");
  await page.getByRole("img", { name: /^Requests a second.*ok 0, failed/ }).waitFor();
  await page.getByRole("heading", { name: "Errors by code of fail" }).waitFor();
  const drawn = await rates
    .locator("canvas")
    .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL().length);
  expect(drawn).toBeGreaterThan(2000);
  await show(page, "Requests");
  await page.getByLabel("Failures only").check();
  expect(await page.locator(".requests tbody tr").count()).toBe(5);
  expect(noise).toEqual([]);
});

test("what is in requests is hidden by default, and shown if the configuration says so", async () => {
  for (const payloads of [false, true]) {
    const host = await hostWithPage({ http: { payloads } });
    const { page } = await openPage(`${host.url}/#requests`);
    await page.getByText("No request has ended").waitFor();
    await send(host, ["echo"], "private words");
    await page.getByText("ok", { exact: true }).waitFor();
    expect(await page.getByText("private words").count()).toBe(payloads ? 2 : 0);
  }
});

test("text of strangers is text, wherever it is shown", async () => {
  const host = await hostWithPage({ http: { payloads: true } }, { fail, twice });
  const { page, noise } = await openPage(linkOf(host));
  await page.getByText("Live", { exact: true }).waitFor();
  await send(host, ["fail", "echo"], HOSTILE);
  await show(page, "Requests");
  await page.getByText(HOSTILE).first().waitFor();
  await show(page, "Handlers");
  await page.getByText(`Doubles ${HOSTILE}`).waitFor();
  await show(page, "Call");
  await page.getByLabel("Handler").selectOption("fail");
  await page.getByLabel("Metadata").fill(`name=${HOSTILE}`);
  await page.getByLabel("Body").fill(JSON.stringify(HOSTILE));
  await page.getByRole("button", { name: "Call" }).click();
  await page.locator(".problem").getByText(HOSTILE).waitFor();
  expect(await page.locator("main script, main img").count()).toBe(0);
  expect(noise).toEqual([]);
});

test("a host that is gone shows so, and one that comes back is followed from its beginning", async () => {
  const first = await hostWithPage();
  const { page } = await openPage(linkOf(first));
  await page.getByText("Live", { exact: true }).waitFor();
  await send(first, ["echo"]);
  await first.host.stop();
  await page.getByText("Not connected").waitFor();
  await page.getByText("The host does not answer.").waitFor();
  await expectUsable(page, "not connected");
  await page.setViewportSize({ width: 360, height: 740 });
  await expectUsable(page, "not connected, on a phone");
  const second = await hostWithPage({ http: { bind: new URL(first.url).host } });
  await page.getByText("Live", { exact: true }).waitFor();
  await page.getByText("The host was restarted").waitFor();
  // Its token is another.
  await show(page, "Call");
  await page.getByRole("button", { name: "Call" }).click();
  await page.getByText("Not sent. calling needs the token").waitFor();
  expect(second.host.stats().endpoints.all?.codes).toEqual({});
});

test("a reload shows in the log and at its handler", async () => {
  const plugins = folderWith({ "greet.mjs": 'export default { description: "first", handle: () => 1 };' });
  const host = await hostWithPage({ plugins: [plugins] });
  const { page } = await openPage(`${host.url}/#handlers`);
  await page.getByText("first").waitFor();
  await writeFile(join(plugins, "greet.mjs"), 'export default { description: "second", handle: () => 1 };');
  await host.host.reload();
  await page.getByText("second").waitFor();
  await show(page, "Overview");
  await page.locator(".news").getByText("reloaded handler greet").waitFor();
});
