/** A client of ours at an endpoint of ours that asks for keys. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { certificateTexts } from "../../src/curve/certificate.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";

async function site() {
  const folder = mkdtempSync(join(tmpdir(), "zmqecho-curve-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [server, own] = [newKeyPair(), newKeyPair()];
  const [certificate, allow] = [join(folder, "host.key_secret"), join(folder, "allow")];
  writeFileSync(certificate, certificateTexts(server).secret);
  mkdirSync(allow);
  const file = join(allow, "own.key");
  writeFileSync(file, certificateTexts(own).public);
  const host = await startHost(
    {
      watch: true,
      endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 64, curve: { certificate, allow } } },
    },
    { echo: (input) => input },
  );
  const client = (curve?: object, options = {}) => {
    const made = createClient({
      connect: addressOf(host, "e"),
      codec: "json",
      timeoutMs: 5000,
      ...(curve && { curve: curve as { serverKey: string } }),
      ...options,
    });
    onTestFinished(() => made.close());
    return made;
  };
  return { host, server, own, client, revoke: () => rmSync(file) };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

test("one call alone, and many at once in batches", async () => {
  const { server, own, client } = await site();
  const caller = client({ serverKey: server.publicKey, ...own });
  expect(await caller.call("echo", "alone")).toBe("alone");
  for (let round = 0; round < 3; round++)
    expect(await Promise.all(numbers(100).map((n) => caller.call("echo", n)))).toEqual(numbers(100));
});

test.each([
  ["without keys", () => undefined, "the server asks for CURVE keys"],
  [
    "with a key that is not allowed",
    (serverKey: string) => ({ serverKey, ...newKeyPair() }),
    "refuses our key (ZAP 400)",
  ],
  [
    "without a pair of its own",
    (serverKey: string) => ({ serverKey }),
    "refuses our key, which is a new one (ZAP 400)",
  ],
  [
    "that takes it for another server",
    () => ({ serverKey: newKeyPair().publicKey }),
    "the server cuts the CURVE handshake",
  ],
])("a client %s learns it at once, and it waits for none of its time", async (_, keysFor, text) => {
  const { server, client } = await site();
  const from = performance.now();
  const failure = await client(keysFor(server.publicKey), { timeoutMs: 60_000, wait: true, retries: 5 })
    .call("echo", 1)
    .catch((error: Error) => error);
  expect(failure).toMatchObject({ code: "unauthenticated", message: expect.stringContaining(text) });
  expect(performance.now() - from).toBeLessThan(30_000);
});

test("a client whose key goes is served until its connection ends, and then told", async () => {
  const { host, server, own, client, revoke } = await site();
  const caller = client({ serverKey: server.publicKey, ...own });
  expect(await caller.call("echo", 1)).toBe(1);
  revoke();
  await host.reload();
  await expect
    .poll(() => caller.call("echo", 2).catch(({ code }: { code: string }) => code), { timeout: 10_000 })
    .toBe("unauthenticated");
});
