/** Endpoints that ask for keys: who gets in, who does not, and who has to go. */

import { once } from "node:events";
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { curveKeyPair, Request } from "zeromq";
import { certificateTexts } from "../../src/curve/certificate.ts";
import { createHost } from "../../src/host.ts";
import { client, gets, happens, type Pair, site } from "../curve-site.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

test("who has a key that is allowed is served, and nobody else", async () => {
  const [ann, eve] = [curveKeyPair(), curveKeyPair()];
  const { server, curve } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  const address = addressOf(host, "e");
  expect(await client(address, { server, own: ann }).ask("hello")).toBe("hello");
  expect(await client(address, { server, own: eve }).ask("hello")).toBe("refused");
  expect((await log.logged("refused clients whose keys are not allowed")).fields).toMatchObject({ count: 1 });
});

test.each([
  ["without keys", () => undefined],
  ["that takes the server for another", (own: Pair) => ({ server: curveKeyPair(), own })],
])("a client %s gets nothing", async (_, keysFor) => {
  const ann = curveKeyPair();
  const { server, curve } = site(["ann", ann]);
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, curve } } });
  const { socket } = client(addressOf(host, "e"), keysFor(ann));
  expect(await gets(socket)).toBe("nothing");
  expect(await client(addressOf(host, "e"), { server, own: ann }).ask("still served")).toBe("still served");
  expect(host.stats().endpoints.e?.codes).toEqual({ ok: 1 });
});

test("a name and a password (PLAIN) are no keys", async () => {
  const { curve } = site(["ann", curveKeyPair()]);
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, curve } } });
  const socket = new Request({ linger: 0, plainUsername: "ann", plainPassword: "secret" });
  onTestFinished(() => socket.close());
  socket.connect(addressOf(host, "e"));
  expect(await gets(socket)).toBe("nothing");
  expect(host.stats().endpoints.e?.codes).toEqual({});
});

test("each endpoint has its own folder, and one without keys stays open", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const [a, b] = [site(["ann", ann]), site(["bob", bob])];
  const host = await startHost({
    endpoints: {
      a: { bind: ANY_PORT, curve: a.curve },
      b: { bind: ANY_PORT, curve: b.curve },
      open: { bind: ANY_PORT },
    },
  });
  expect(await client(addressOf(host, "a"), { server: a.server, own: ann }).ask("1")).toBe("1");
  expect(await client(addressOf(host, "b"), { server: b.server, own: ann }).ask("2")).toBe("refused");
  expect(await client(addressOf(host, "b"), { server: b.server, own: bob }).ask("3")).toBe("3");
  expect(await client(addressOf(host, "open")).ask("4")).toBe("4");
});

test("a key that comes is let in at once, without a new socket for the others", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const { server, curve, letIn } = site(["ann", ann]);
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, curve } } });
  const address = addressOf(host, "e");
  const first = client(address, { server, own: ann });
  const lost: string[] = [];
  first.socket.events.on("disconnect", () => lost.push("ann"));
  expect(await first.ask("1")).toBe("1");
  expect(await client(address, { server, own: bob }).ask("2")).toBe("refused");
  letIn("bob", bob);
  await host.reload();
  expect(await client(address, { server, own: bob }).ask("3")).toBe("3");
  expect(await first.ask("4")).toBe("4");
  expect(lost).toEqual([]);
});

test("a key that goes opens no new connection at once, and its live one ends; the others connect again by themselves", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const { server, curve, refuse } = site(["ann", ann], ["bob", bob]);
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } });
  const address = addressOf(host, "e");
  const [hers, his] = [client(address, { server, own: ann }), client(address, { server, own: bob })];
  expect(await Promise.all([hers.ask("1"), his.ask("2")])).toEqual(["1", "2"]);
  const gone = happens(his.socket, "disconnect");
  refuse("bob");
  await host.reload();
  expect(await client(address, { server, own: bob }).ask("new")).toBe("refused");
  await gone;
  expect(await his.ask("again")).toBe("refused");
  expect(await hers.ask("3")).toBe("3");
  expect(addressOf(host, "e")).toBe(address);
});

test("the folder is followed by itself, as Kubernetes swaps it", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const { folder, server, curve, allow } = site();
  rmSync(allow, { recursive: true });
  mkdirSync(allow);
  const version = (name: string, pairs: readonly [string, Pair][]) => {
    mkdirSync(join(allow, name));
    for (const [key, { publicKey, secretKey }] of pairs) {
      const file = join(allow, name, `${key}.key`);
      writeFileSync(file, certificateTexts({ publicKey, secretKey }).public);
      chmodSync(file, 0o440);
    }
    symlinkSync(name, join(allow, "..data_tmp"));
    renameSync(join(allow, "..data_tmp"), join(allow, "..data"));
  };
  version("..1", [["ann", ann]]);
  symlinkSync("..data/ann.key", join(allow, "ann.key"));
  const log = recordingLog();
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log, folder });
  const address = addressOf(host, "e");
  expect(await client(address, { server, own: ann }).ask("1")).toBe("1");
  // The same name, another key.
  version("..2", [["ann", bob]]);
  await expect.poll(() => client(address, { server, own: bob }).ask("2"), { timeout: 5000 }).toBe("2");
  await log.logged("closed ");
  await expect.poll(() => client(address, { server, own: ann }).ask("3"), { timeout: 5000 }).toBe("refused");
});

test("what can't be read when the host starts is an error of the configuration, without any key in it", async () => {
  const { curve, allow, server } = site();
  const config = { plugins: [], endpoints: { e: { bind: ANY_PORT, curve } } };
  writeFileSync(curve.certificate, certificateTexts(server).public);
  rmSync(allow, { recursive: true });
  const host = createHost(config, { log: recordingLog() });
  const error = await host.start().catch((each: Error) => each);
  expect(error).toMatchObject({
    problems: [
      {
        path: "endpoints.e.curve.certificate",
        message: `${curve.certificate}: it has no secret-key; the secret certificate ends in .key_secret`,
      },
      { path: "endpoints.e.curve.allow", message: `${allow}: there is no such folder; nobody is let in` },
    ],
  });
  expect(JSON.stringify(error)).not.toContain(server.publicKey);
});

test("a folder that is empty, or goes while the host runs, lets nobody in, and the log says so", async () => {
  const ann = curveKeyPair();
  const { server, curve, allow } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  const address = addressOf(host, "e");
  expect(await client(address, { server, own: ann }).ask("1")).toBe("1");
  rmSync(allow, { recursive: true });
  await host.reload();
  expect(await client(address, { server, own: ann }).ask("2")).toBe("refused");
  await log.logged("nobody is let in");
  mkdirSync(allow);
  await host.reload();
  expect(await client(address, { server, own: ann }).ask("3")).toBe("refused");
  await log.logged("so nobody is let in");
});

test("a file in the folder that is no certificate is told of, and the others count", async () => {
  const ann = curveKeyPair();
  const { server, curve, allow } = site(["ann", ann]);
  writeFileSync(join(allow, "broken.key"), "nonsense");
  writeFileSync(join(allow, "README"), "not a key");
  const log = recordingLog();
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  expect(await client(addressOf(host, "e"), { server, own: ann }).ask("1")).toBe("1");
  const { message } = await log.logged("broken.key");
  expect(message).toContain("it is no certificate: it has no public-key; whose key it was to be is not let in");
});

test("a secret certificate that breaks while the host runs is told of, and the pair goes on", async () => {
  const ann = curveKeyPair();
  const { server, curve } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  writeFileSync(curve.certificate, "");
  await host.reload();
  await log.logged("it is no certificate");
  expect(await client(addressOf(host, "e"), { server, own: ann }).ask("1")).toBe("1");
});

test("hosts one after the other in one process have their keys each", async () => {
  const ann = curveKeyPair();
  for (let round = 0; round < 3; round++) {
    const { server, curve } = site(["ann", ann]);
    const host = createHost(
      { plugins: [], watch: false, endpoints: { e: { bind: ANY_PORT, curve } } },
      { log: recordingLog() },
    );
    await host.start();
    expect(await client(addressOf(host, "e"), { server, own: ann }).ask("1")).toBe("1");
    await host.stop();
  }
});

test("a reload in the midst of handshakes lets nobody in who should not be, and serves the others", async () => {
  const [ann, bob] = [curveKeyPair(), curveKeyPair()];
  const { server, curve, refuse } = site(["ann", ann], ["bob", bob]);
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } });
  const address = addressOf(host, "e");
  // As far as the greeting, and no further.
  const half = Array.from({ length: 20 }, () => {
    const socket = connect(Number(new URL(address).port), "127.0.0.1").on("error", () => undefined);
    onTestFinished(() => void socket.destroy());
    const greeting = Buffer.alloc(64);
    greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
    greeting.write("CURVE", 12);
    socket.write(greeting);
    return socket;
  });
  await Promise.all(half.map((socket) => once(socket, "data")));
  const eager = Array.from({ length: 20 }, () => client(address, { server, own: bob }).ask("bob"));
  refuse("bob");
  await host.reload();
  const outcomes = await Promise.all(eager);
  expect(new Set([...outcomes, "bob", "refused"])).toEqual(new Set(["bob", "refused"]));
  expect(await client(address, { server, own: bob }).ask("late")).toBe("refused");
  await Promise.all(half.map((socket) => once(socket, "close")));
  expect(await client(address, { server, own: ann }).ask("ann")).toBe("ann");
});

test("no key is in the log, at any level", async () => {
  const [ann, eve] = [curveKeyPair(), curveKeyPair()];
  const { server, curve, refuse } = site(["ann", ann]);
  const log = recordingLog();
  const host = await startHost({ watch: true, endpoints: { e: { bind: ANY_PORT, curve } } }, {}, { log });
  await client(addressOf(host, "e"), { server, own: ann }).ask("1");
  await client(addressOf(host, "e"), { server, own: eve }).ask("2");
  refuse("ann");
  await host.reload();
  await host.stop();
  const all = JSON.stringify(log.records);
  for (const { publicKey, secretKey } of [server, ann, eve])
    for (const key of [publicKey, secretKey]) expect(all).not.toContain(key.slice(3, 20));
});
