/** Calls from the page of a host, in a real browser: who can make them, and what is shown of them. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { PAGE_PATHS } from "../../src/wire/page.ts";
import { hostWithPage } from "../http/pages.ts";
import { openPage, useBrowser } from "./browser.ts";
import { linkOf, show, twice } from "./site.ts";

useBrowser();

test("a handler is called in each codec, and the result has value, latency and frames", async () => {
  const host = await hostWithPage();
  const { page, noise } = await openPage(linkOf(host));
  await show(page, "Call");
  for (const codec of ["json", "cbor", "msgpack", "protobuf", "raw"]) {
    await page.getByLabel("Codec").selectOption(codec);
    await page.getByLabel("Body").fill(`{"via":"${codec}"}`);
    await page.getByRole("button", { name: "Call" }).click();
    await expect.poll(() => page.getByRole("region", { name: "Value" }).textContent()).toContain(codec);
    expect(await page.locator(".summary").textContent()).toMatch(/^ok after \d[\d.]* ms$/);
    await page.getByText(/^Request: 5 frames/).waitFor();
  }
  // What was typed and what came back are still there after a look at something else.
  await show(page, "Requests");
  await show(page, "Call");
  expect(await page.getByLabel("Body").inputValue()).toBe('{"via":"raw"}');
  await page.getByText(/^Reply: 4 frames/).click();
  await page.getByRole("region", { name: "Reply, frame 1" }).getByText("|ZEP1 ok|").waitFor();
  expect(noise).toEqual([]);
});

test("an example of the input schema is the body, and what the schema refuses is shown as an error", async () => {
  const host = await hostWithPage({}, { twice });
  const { page } = await openPage(linkOf(host));
  await show(page, "Call");
  await page.getByLabel("Handler").selectOption("twice");
  await expect.poll(() => page.getByLabel("Body").inputValue()).toBe('{\n  "n": 3,\n  "of": "a"\n}');
  await page.getByRole("button", { name: "Call" }).click();
  await expect.poll(() => page.getByRole("region", { name: "Value" }).textContent()).toBe("6");
  await page.getByLabel("Body").fill('{"n":"x"}');
  await page.getByRole("button", { name: "Call" }).click();
  await page.locator(".summary").getByText("invalid_argument").waitFor();
  expect(await page.getByRole("region", { name: "Details" }).textContent()).toContain("requestId");
  await page.getByLabel("Body").fill("{");
  await page.getByRole("button", { name: "Call" }).click();
  await page.getByText("Not sent. invalid_argument: the body is no JSON").waitFor();
});

test("the token leaves the address, and stays for the tab; without one nothing can be called", async () => {
  const host = await hostWithPage();
  const { page } = await openPage(linkOf(host));
  expect(page.url()).toBe(`${host.url}/`);
  await page.reload();
  await show(page, "Call");
  await page.getByRole("button", { name: "Call" }).click();
  await page.getByText(/^ok$/).waitFor();

  const other = (await openPage(host.url)).page;
  await show(other, "Call");
  expect(await other.getByRole("button", { name: "Call" }).isDisabled()).toBe(true);
  await other.getByLabel("Token or link").fill("wrong");
  await other.getByRole("button", { name: "Use it" }).click();
  await other.getByRole("button", { name: "Call" }).click();
  await other.getByText("Not sent. calling needs the token").waitFor();
  await other.getByLabel("Token or link").fill(linkOf(host));
  await other.getByRole("button", { name: "Use it" }).click();
  await other.getByRole("button", { name: "Call" }).click();
  await other.getByText(/^ok$/).waitFor();
  expect(host.host.stats().endpoints.all?.codes).toEqual({ ok: 2 });
});

test("a link that is opened where the page is open already gives its token, and leaves the address too", async () => {
  const host = await hostWithPage();
  const { page } = await openPage(`${host.url}/#call`);
  await page.getByLabel("Token or link").waitFor();
  await page.goto(linkOf(host));
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  expect(page.url()).toBe(`${host.url}/`);
  await show(page, "Call");
  await page.getByRole("button", { name: "Call" }).click();
  await page.getByText(/^ok$/).waitFor();
});

test("a page of another origin can neither call nor read nor frame it, token or not", async () => {
  const host = await hostWithPage();
  const server = createServer((_, response) => response.setHeader("Content-Type", "text/html").end("<!doctype html>"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { page } = await openPage(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const body = JSON.stringify({ endpoint: "all", handler: "echo", codec: "json", body: "1" });
  const tries = await page.evaluate(
    `(async ([url, token, paths, body]) => {
      const tried = async (path, options) => {
        try { return (await fetch(url + path, options)).type; } catch { return "failed"; }
      };
      const headers = { Authorization: "Bearer " + token, "Content-Type": "application/json", "Zmqecho-Call": "1" };
      const streamed = new Promise((resolve) => {
        const source = new EventSource(url + paths.events);
        source.addEventListener("hello", () => resolve("heard"));
        source.onerror = () => resolve("failed");
      });
      const framed = new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.onload = () => { try { resolve(frame.contentDocument === null ? "no access" : "access"); } catch { resolve("no access"); } };
        frame.src = url + "/";
        document.body.append(frame);
      });
      return {
        call: await tried(paths.call, { method: "POST", headers, body }),
        blindCall: await tried(paths.call, { method: "POST", mode: "no-cors", body }),
        read: await tried(paths.setup),
        stream: await streamed,
        frame: await framed,
      };
    })(${JSON.stringify([host.url, host.token, PAGE_PATHS, body])})`,
  );
  // What came of the blind one can't be seen there, so it is looked for here.
  expect(tries).toEqual({
    call: "failed",
    blindCall: expect.any(String),
    read: "failed",
    stream: "failed",
    frame: "no access",
  });
  expect(page.frames().map((frame) => frame.url())).not.toContain(`${host.url}/`);
  expect(host.host.stats().endpoints.all?.codes).toEqual({});
});

test("the keyboard alone is enough to call a handler", async () => {
  const host = await hostWithPage();
  const { page } = await openPage(linkOf(host));
  await page.getByText("Live", { exact: true }).waitFor();
  const focused = () => page.evaluate("document.activeElement?.textContent + '|' + (document.activeElement?.id ?? '')");
  const tabTo = async (what: RegExp) => {
    for (let count = 0; count < 40; count++) {
      await page.keyboard.press("Tab");
      if (what.test(String(await focused()))) return;
    }
    throw new Error(`the Tab key does not lead to ${what}`);
  };
  await tabTo(/^Call\|/);
  expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Call" }).waitFor();
  await tabTo(/\|body$/);
  await page.keyboard.press("Control+A");
  await page.keyboard.type('"by hand"');
  await tabTo(/^Call\|/);
  await page.keyboard.press("Enter");
  await expect.poll(() => page.getByRole("region", { name: "Value" }).textContent()).toBe('"by hand"');
  await page.getByRole("status").getByText("ok").waitFor();
});
