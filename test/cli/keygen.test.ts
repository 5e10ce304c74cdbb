import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readKeyPair, readPublicKey } from "../../src/curve/certificate.ts";
import { folderWith } from "../config/folder.ts";
import { run } from "../processes.ts";

test("a pair is made, the secret one for its owner alone, and no key is printed", async () => {
  const cwd = folderWith({});
  const { code, stdout, stderr } = await run(["keygen", "keys/host"], { cwd });
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe("made keys/host.key_secret, for its owner alone, and keys/host.key, to be given away\n");
  const pair = await readKeyPair(join(cwd, "keys/host.key_secret"));
  expect(await readPublicKey(join(cwd, "keys/host.key"))).toBe(pair.publicKey);
  expect(statSync(join(cwd, "keys/host.key_secret")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(cwd, "keys/host.key"), "utf8")).not.toContain(pair.secretKey);
});

test.each(["host.key", "host.key_secret"])("%s is not overwritten, and nothing else is made", async (file) => {
  const cwd = folderWith({ [file]: "mine" });
  const { code, stderr } = await run(["keygen", "host"], { cwd });
  expect(code).toBe(70);
  expect(stderr).toBe(`zmqecho: already_exists: ${file} is there already; nothing is overwritten\n`);
  expect(readFileSync(join(cwd, file), "utf8")).toBe("mine");
  expect(existsSync(join(cwd, file === "host.key" ? "host.key_secret" : "host.key"))).toBe(false);
});

test("a path with the ending is told to leave it out", async () => {
  const { code, stderr } = await run(["keygen", "me.key_secret"], { cwd: folderWith({}) });
  expect([code, stderr]).toEqual([2, "zmqecho: leave out the ending: me\n"]);
});

test("check says which keys are missing, and that a folder without any lets nobody in", async () => {
  const curve = '{ "certificate": "host.key_secret", "allow": "clients" }';
  const cwd = folderWith({
    "zmqecho.config.json": `{ "endpoints": { "e": { "bind": "tcp://127.0.0.1:5000", "curve": ${curve} } } }`,
  });
  const missing = await run(["check"], { cwd });
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(
    /^zmqecho: \S+:1:\d+: endpoints\.e\.curve\.certificate: \S+host\.key_secret: there is no such file; zmqecho keygen makes a pair of keys\nzmqecho: \S+:1:\d+: endpoints\.e\.curve\.allow: \S+clients: there is no such folder; nobody is let in\n$/,
  );
  await run(["keygen", "host"], { cwd });
  mkdirSync(join(cwd, "clients"));
  const empty = await run(["check"], { cwd });
  expect(empty.code).toBe(0);
  expect(empty.stderr).toContain("endpoints.e.curve.allow");
  expect(empty.stderr).toContain("has no certificate (a file that ends in .key), so nobody is let in");
});
