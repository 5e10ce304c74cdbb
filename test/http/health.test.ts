import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

const http = { bind: "127.0.0.1:*" };

async function get(url: string | undefined, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, text: await response.text() };
}

test("a host that serves all it names lives and is ready", async () => {
  const { httpUrl } = await startHost({ endpoints: { e: { bind: ANY_PORT } }, http });
  expect(await get(httpUrl, "/livez")).toEqual({ status: 200, text: "ok\n" });
  expect(await get(httpUrl, "/readyz")).toEqual({ status: 200, text: "ok\n" });
});

test("a host without http shows nothing", async () => {
  const { httpUrl } = await startHost({ endpoints: { e: { bind: ANY_PORT } } });
  expect(httpUrl).toBeUndefined();
});

test("a handler that does not work is named, and the host lives", async () => {
  const broken = { setup: () => Promise.reject(new Error("no database")), handle: () => null };
  const { httpUrl } = await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "broken" } }, http }, { broken });
  expect(await get(httpUrl, "/livez")).toEqual({ status: 200, text: "ok\n" });
  expect(await get(httpUrl, "/readyz")).toEqual({ status: 503, text: "handler broken of endpoint e does not work\n" });
});

test("a host that drains lives, and is not ready", async () => {
  let answer: (text: string) => void = () => {};
  let tell = () => {};
  const called = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const slow = () =>
    new Promise<string>((resolve) => {
      answer = resolve;
      tell();
    });
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "slow" } }, http }, { slow });
  const { httpUrl } = host;
  const client = createClient({ connect: addressOf(host, "e") });
  onTestFinished(() => client.close());
  const reply = client.request("go");
  await called;
  const stopped = host.stop();
  expect(await get(httpUrl, "/livez")).toEqual({ status: 200, text: "ok\n" });
  expect(await get(httpUrl, "/readyz")).toEqual({ status: 503, text: "the host is shutting down\n" });
  answer("done");
  await reply;
  await stopped;
  await expect(fetch(`${httpUrl}/livez`)).rejects.toThrow();
});
