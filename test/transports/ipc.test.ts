import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { createHost } from "../../src/host.ts";
import { recordingLog, startHost } from "../hosts.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "zmqecho-ipc-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function failureOf(path: string): Promise<unknown> {
  const host = createHost({ plugins: [], endpoints: { e: { bind: `ipc://${path}` } } }, { log: recordingLog() });
  return host.start().then(
    () => host.stop(),
    (error: unknown) => error,
  );
}

test("an ipc endpoint is reachable, for its owner alone, and its file goes with it", async () => {
  const path = join(folder(), "socket");
  const host = await startHost({ endpoints: { e: { bind: `ipc://${path}` } } });
  const client = createClient({ connect: `ipc://${path}` });
  onTestFinished(() => client.close());
  expect(String(await client.request("hello"))).toBe("hello");
  expect(statSync(path).mode & 0o777).toBe(0o700);
  await host.stop();
  expect(existsSync(path)).toBe(false);
});

test("ipcMode sets the permissions", async () => {
  const path = join(folder(), "socket");
  await startHost({ endpoints: { e: { bind: `ipc://${path}`, ipcMode: "0660" } } });
  expect(statSync(path).mode & 0o777).toBe(0o660);
});

test("a socket that a dead process left behind is replaced", async () => {
  const path = join(folder(), "socket");
  const leave = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", leave]);
  expect(lstatSync(path).isSocket()).toBe(true);
  await startHost({ endpoints: { e: { bind: `ipc://${path}` } } });
  const client = createClient({ connect: `ipc://${path}` });
  onTestFinished(() => client.close());
  expect(String(await client.request("hello"))).toBe("hello");
});

test("a socket that somebody serves is left alone", async () => {
  const path = join(folder(), "socket");
  const server = createServer().listen(path);
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  expect(await failureOf(path)).toMatchObject({
    code: "already_exists",
    message: expect.stringContaining("another process"),
  });
  expect(lstatSync(path).isSocket()).toBe(true);
});

test("a plain file is left alone", async () => {
  const path = join(folder(), "notes.txt");
  writeFileSync(path, "mine");
  expect(await failureOf(path)).toMatchObject({
    code: "already_exists",
    message: expect.stringContaining("no socket"),
  });
  expect(lstatSync(path).isFile()).toBe(true);
});

test("a missing folder is named", async () => {
  const path = join(folder(), "missing", "socket");
  expect(await failureOf(path)).toMatchObject({ message: `can't bind ipc://${path}: its folder does not exist` });
});
