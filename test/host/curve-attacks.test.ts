/** What strangers, disks and other endpoints do to an endpoint that asks for keys, and who gets in then. */
import { execFileSync } from "node:child_process";
import { symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { curveKeyPair } from "zeromq";
import { loadConfig } from "../../src/config/load.ts";
import { createHost } from "../../src/host.ts";
import { client, site } from "../curve-site.ts";
import { ANY_PORT, addressOf, deadAddress, recordingLog, startHost } from "../hosts.ts";

test("what is no plain file in the folder is told of and waited for by nobody: a pipe, a device, a loop, a folder, 100 MB", async () => {
  const ann = curveKeyPair();
  const { server, curve, allow, refuse } = site(["ann", ann]);
  for (const name of ["a", "b", "c", "d", "e"]) execFileSync("mkfifo", [join(allow, `${name}.key`)]);
  symlinkSync("/dev/zero", join(allow, "device.key"));
  symlinkSync("loop.key", join(allow, "loop.key"));
  symlinkSync(allow, join(allow, "folder.key"));
  writeFileSync(join(allow, "large.key"), "");
  truncateSync(join(allow, "large.key"), 100_000_000);
  const log = recordingLog();
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  for (const name of ["a", "e", "device", "loop", "folder", "large"]) await log.logged(join(allow, `${name}.key`));
  expect(await client(addressOf(host, "e"), { server, own: ann }).ask("1")).toBe("1");
  refuse("ann");
  await host.reload();
  expect(await client(addressOf(host, "e"), { server, own: ann }).ask("2")).toBe("refused");
});

test("an endpoint that a refused reload would have moved goes on with its own keys", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const { folder, server, curve } = site(["ann", ann]);
  const others = site(["bob", bob]);
  const taken = addressOf(await startHost({ endpoints: { other: { bind: ANY_PORT } } }), "other");
  const config = (endpoints: object) =>
    writeFileSync(join(folder, "zmqecho.config.json"), JSON.stringify({ plugins: [], watch: false, endpoints }));
  const e = { bind: await deadAddress(), curve };
  config({ e });
  const loaded = await loadConfig({ file: join(folder, "zmqecho.config.json") });
  const host = createHost(loaded, { log: recordingLog() });
  onTestFinished(() => host.stop());
  await host.start();
  expect(await client(e.bind, { server, own: ann }).ask("1")).toBe("1");
  config({ e: { bind: await deadAddress(), curve: others.curve }, f: { bind: taken } });
  await expect(host.reload()).rejects.toThrow(taken);
  expect(await client(e.bind, { server, own: ann }).ask("2")).toBe("2");
  expect(await client(e.bind, { server, own: bob }).ask("3")).toBe("refused");
});

test("a key that goes while another endpoint drains opens no new connection all the same", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const [busy, other] = [site(["ann", ann], ["bob", bob]), site(["bob", bob])];
  let called: () => void = () => undefined;
  const calling = new Promise<void>((resolve) => {
    called = resolve;
  });
  const host = await startHost(
    {
      watch: true,
      shutdown: { graceMs: 60_000 },
      endpoints: {
        busy: { bind: ANY_PORT, curve: busy.curve, handler: "never", concurrency: 8 },
        other: { bind: ANY_PORT, curve: other.curve },
      },
      handlers: { never: { timeoutMs: 60_000 } },
    },
    {
      never: (input) => {
        if (String(input) !== "for ever") return input;
        called();
        return new Promise(() => undefined);
      },
    },
  );
  onTestFinished(() => host.stop(0));
  const busyAddress = addressOf(host, "busy");
  const waiting = client(busyAddress, { server: busy.server, own: ann });
  void waiting.ask("for ever").catch(() => undefined);
  await calling;
  const address = addressOf(host, "other");
  expect(await client(address, { server: other.server, own: bob }).ask("1")).toBe("1");
  busy.refuse("bob");
  await host.reload();
  const ask = () => client(busyAddress, { server: busy.server, own: ann }).ask("2");
  await expect.poll(ask, { timeout: 5000 }).toContain("this endpoint is being closed");
  other.refuse("bob");
  await expect
    .poll(() => client(address, { server: other.server, own: bob }).ask("2"), { timeout: 5000 })
    .toBe("refused");
});
