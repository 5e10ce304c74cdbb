/** What strangers, disks and other endpoints do to an endpoint that asks for keys, and who gets in then. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Context, curveKeyPair, Request } from "zeromq";
import { loadConfig } from "../../src/config/load.ts";
import { certificateTexts } from "../../src/curve/certificate.ts";
import { createHost } from "../../src/host.ts";
import { client, gets, happens, site } from "../curve-site.ts";
import { ANY_PORT, addressOf, deadAddress, recordingLog, startHost } from "../hosts.ts";

test("what is no plain file in the folder is told of and waited for by nobody: a pipe, a device, a loop, a folder, 100 MB", async () => {
  const ann = curveKeyPair();
  const { server, curve, allow, refuse } = site(["ann", ann]);
  const pipes = ["a", "b", "c", "d", "e"].map((name) => join(allow, `${name}.key`));
  execFileSync("sh", ["-c", 'mkfifo "$@"', "sh", ...pipes]);
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

test("a key that goes while its own endpoint drains is not let in by the next socket either", async () => {
  const [ann, bob, eve] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
  const { server, curve, refuse } = site(["ann", ann], ["bob", bob], ["eve", eve]);
  let called: () => void = () => undefined;
  const calling = new Promise<void>((resolve) => {
    called = resolve;
  });
  const log = recordingLog();
  const host = await startHost(
    {
      watch: true,
      shutdown: { graceMs: 1500 },
      endpoints: { e: { bind: ANY_PORT, curve, handler: "slow", concurrency: 8 } },
    },
    {
      slow(input) {
        if (String(input) !== "for ever") return input;
        called();
        return new Promise(() => undefined);
      },
    },
    { log },
  );
  const address = addressOf(host, "e");
  const ask = (own: typeof ann, text: string) => client(address, { server, own }).ask(text);
  void ask(ann, "for ever").catch(() => undefined);
  await calling;
  refuse("bob");
  await host.reload();
  await expect.poll(() => ask(ann, "drained?"), { timeout: 5000 }).toContain("this endpoint is being closed");
  refuse("eve");
  await expect.poll(() => ask(eve, "old socket"), { timeout: 1000 }).toBe("refused");
  await log.logged("closed tcp");
  // The very first that may reach the new one.
  const first = client(address, { server, own: eve });
  expect(await first.ask("new socket")).toBe("refused");
  expect(await ask(ann, "served again")).toBe("served again");
});

test("a key that is back at once gets in at once", async () => {
  const ann = curveKeyPair();
  const { server, curve, letIn, refuse } = site(["ann", ann]);
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } });
  const ask = (text: string) => client(addressOf(host, "e"), { server, own: ann }).ask(text);
  refuse("ann");
  await host.reload();
  expect(await ask("gone")).toBe("refused");
  letIn("ann", ann);
  await host.reload();
  expect(await ask("back")).toBe("back");
});

test("a key in two files is let in until both are gone", async () => {
  const ann = curveKeyPair();
  const { server, curve, refuse } = site(["ann", ann], ["ann-again", ann]);
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, curve } } });
  const ask = () => client(addressOf(host, "e"), { server, own: ann }).ask("hello");
  refuse("ann");
  await host.reload();
  expect(await ask()).toBe("hello");
  refuse("ann-again");
  await host.reload();
  expect(await ask()).toBe("refused");
});

test.each([
  ["a file", (place: string) => writeFileSync(place, "public-key"), "this is no folder; nobody is let in"],
  ["a link that leads to itself", (place: string) => symlinkSync(place, place), "ELOOP"],
])("a folder that %s takes the place of lets nobody in", async (_, put, text) => {
  const ann = curveKeyPair();
  const { server, curve, allow } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  rmSync(allow, { recursive: true });
  put(allow);
  const ask = () => client(addressOf(host, "e"), { server, own: ann }).ask("hello");
  await expect.poll(ask, { timeout: 5000 }).toBe("refused");
  expect((await log.logged("nobody is let in")).message).toContain(text);
});

test.skipIf(process.getuid?.() === 0)("a folder that may not be read lets nobody in", async () => {
  const ann = curveKeyPair();
  const { server, curve, allow } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  chmodSync(allow, 0);
  onTestFinished(() => chmodSync(allow, 0o700));
  await host.reload();
  expect(await client(addressOf(host, "e"), { server, own: ann }).ask("hello")).toBe("refused");
  await log.logged("it may not be read by this user; nobody is let in");
});

test("a folder that can't be read for a while is read again by itself: what comes back may come without an event", async () => {
  const ann = curveKeyPair();
  const { server, curve, allow, letIn } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ watch: false, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  const ask = () => client(addressOf(host, "e"), { server, own: ann }).ask("hello");
  rmSync(allow, { recursive: true });
  await host.reload();
  expect(await ask()).toBe("refused");
  mkdirSync(allow);
  letIn("ann", ann);
  await log.logged("all keys can be read again");
  expect(await ask()).toBe("hello");
});

test("two hosts in one process, with endpoints of the same name, keep their keys apart", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const sites = [site(["ann", ann]), site(["bob", bob])] as const;
  const [first, second] = await Promise.all(
    sites.map(({ curve }) => startHost({ endpoints: { e: { bind: ANY_PORT, curve } } })),
  );
  if (first === undefined || second === undefined) throw new Error("two hosts");
  const ask = (host: typeof first, which: 0 | 1, own: typeof ann) =>
    client(addressOf(host, "e"), { server: sites[which].server, own }).ask("hello");
  expect(await ask(first, 0, ann)).toBe("hello");
  expect(await ask(first, 0, bob)).toBe("refused");
  expect(await ask(second, 1, bob)).toBe("hello");
  expect(await ask(second, 1, ann)).toBe("refused");
  await first.stop();
  expect(await ask(second, 1, ann)).toBe("refused");
  expect(await ask(second, 1, bob)).toBe("hello");
});

test("a thousand strangers at once keep nobody out, and fill no log", async () => {
  const ann = curveKeyPair();
  const { server, curve } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  const address = addressOf(host, "e");
  const from = performance.now();
  const context = new Context({ maxSockets: 2000 });
  const strangers = Array.from({ length: 1000 }, () => {
    const { publicKey, secretKey } = curveKeyPair();
    const keys = { curveServerKey: server.publicKey, curvePublicKey: publicKey, curveSecretKey: secretKey };
    const socket = new Request({ context, linger: 0, ...keys });
    socket.connect(address);
    return socket;
  });
  const friends = await Promise.all(
    Array.from({ length: 20 }, (_, n) => client(address, { server, own: ann }).ask(String(n))),
  );
  expect(friends).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
  const refused = () => log.records.filter(({ message }) => message.startsWith("refused clients"));
  const sum = () => refused().reduce((all, { fields }) => all + Number(fields.count), 0);
  await expect.poll(sum, { timeout: 10_000 }).toBeGreaterThanOrEqual(1000);
  expect(refused().length).toBeLessThan((performance.now() - from) / 1000 + 2);
  for (const socket of strangers) socket.close();
  expect(host.stats().endpoints.e?.codes).toEqual({ ok: 20 });
});

test("a new pair of the host's own is taken up with a new socket, and its clients have to know it", async () => {
  const ann = curveKeyPair();
  const { server, curve } = site(["ann", ann]);
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } });
  const address = addressOf(host, "e");
  const before = client(address, { server, own: ann });
  expect(await before.ask("1")).toBe("1");
  const gone = happens(before.socket, "disconnect");
  const next = curveKeyPair();
  chmodSync(curve.certificate, 0o640);
  writeFileSync(curve.certificate, certificateTexts(next).secret);
  chmodSync(curve.certificate, 0o440);
  await gone;
  expect(await client(address, { server: next, own: ann }).ask("2")).toBe("2");
  expect(await gets(client(address, { server, own: ann }).socket)).toBe("nothing");
});
