import { spawnSync } from "node:child_process";
import { once } from "node:events";
import fs, {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Router } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import { createHost, type Host } from "../../src/host.ts";
import { attach } from "../../src/transports/zmq/attach.ts";
import { recordingLog, startHost } from "../hosts.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "zmqecho-ipc-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function hostAt(path: string): Host {
  const host = createHost({ plugins: [], endpoints: { e: { bind: `ipc://${path}` } } }, { log: recordingLog() });
  onTestFinished(() => host.stop());
  return host;
}

async function failureOf(path: string): Promise<unknown> {
  return hostAt(path)
    .start()
    .then(
      () => undefined,
      (error: unknown) => error,
    );
}

/** A socket that no process serves. */
function leaveStale(path: string): void {
  const leave = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", leave]);
  expect(lstatSync(path).isSocket()).toBe(true);
}

/** Puts a function of `node:fs` in place of the real one until the test ends. */
function replaceInFs<Name extends "linkSync" | "mkdirSync">(name: Name, by: (typeof fs)[Name]): void {
  const real = fs[name];
  fs[name] = by;
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs[name] = real;
    syncBuiltinESMExports();
  });
}

/** How many of some hosts, started at once on one path, got it; and why the others did not. */
async function startTogether(path: string, count: number): Promise<{ started: number; refused: unknown[] }> {
  const results = await Promise.allSettled(Array.from({ length: count }, () => hostAt(path).start()));
  const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  return { started: count - refused.length, refused };
}

function socketAt(path: string): { socket: Router; attached: ReturnType<typeof attach> } {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  return { socket, attached: attach(socket, { bind: [`ipc://${path}`], connect: [], ipcMode: 0o700 }) };
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
  leaveStale(path);
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

test("of hosts that start on one path at the same moment one gets it, and answers", async () => {
  const path = join(folder(), "socket");
  const { started, refused } = await startTogether(path, 4);
  expect(started).toBe(1);
  for (const reason of refused) expect(reason).toMatchObject({ code: "already_exists" });
  const client = createClient({ connect: `ipc://${path}` });
  onTestFinished(() => client.close());
  expect(String(await client.request("hello"))).toBe("hello");
});

test("of hosts that find a dead one's socket at the same moment one replaces it", async () => {
  const path = join(folder(), "socket");
  leaveStale(path);
  const { started, refused } = await startTogether(path, 4);
  expect(started).toBe(1);
  for (const reason of refused) expect(reason).toMatchObject({ code: "already_exists" });
  const client = createClient({ connect: `ipc://${path}` });
  onTestFinished(() => client.close());
  expect(String(await client.request("hello"))).toBe("hello");
});

test("the process keeps its umask while hosts start together", async () => {
  const at = folder();
  const before = process.umask(0o027);
  onTestFinished(() => void process.umask(before));
  const starts = Array.from({ length: 4 }, (_, index) => hostAt(join(at, `socket${index}`)).start());
  // What others create meanwhile has their own mode.
  writeFileSync(join(at, "meanwhile"), "");
  await Promise.all(starts.map((start) => start.then(() => writeFileSync(join(at, "between"), ""))));
  expect(statSync(join(at, "meanwhile")).mode & 0o777).toBe(0o640);
  expect(statSync(join(at, "between")).mode & 0o777).toBe(0o640);
  expect(process.umask(0o027)).toBe(0o027);
});

test("nothing but the socket is left in its folder, by success or by failure", async () => {
  const at = folder();
  await startHost({ endpoints: { e: { bind: `ipc://${join(at, "socket")}` } } });
  await failureOf(join(at, "socket"));
  expect(readdirSync(at)).toEqual(["socket"]);
});

test("the longest path that a socket may have is served", async () => {
  const at = folder();
  const long = join(at, "d".repeat(107 - Buffer.byteLength(at) - "//s".length));
  mkdirSync(long);
  const path = join(long, "s");
  expect(Buffer.byteLength(path)).toBe(107);
  await startHost({ endpoints: { e: { bind: `ipc://${path}`, ipcMode: "0660" } } });
  const client = createClient({ connect: `ipc://${path}` });
  onTestFinished(() => client.close());
  expect(String(await client.request("hello"))).toBe("hello");
  expect(statSync(path).mode & 0o777).toBe(0o660);
  expect(readdirSync(long)).toEqual(["s"]);
});

test("the file can go while its socket is still open", async () => {
  const path = join(folder(), "socket");
  const { socket, attached } = socketAt(path);
  await (await attached).removeFiles();
  expect(socket.closed).toBe(false);
  expect(existsSync(path)).toBe(false);
});

test("a newcomer's socket in place of ours is not removed with ours", async () => {
  const path = join(folder(), "socket");
  const ours = await socketAt(path).attached;
  rmSync(path);
  await socketAt(path).attached;
  await ours.removeFiles();
  expect(lstatSync(path).isSocket()).toBe(true);
});

test("a newcomer that replaces a dead one's socket while we are about to keeps its place", async () => {
  const path = join(folder(), "socket");
  leaveStale(path);
  // The moment between our look at the socket and its removal, in which another host does the same.
  const { mkdirSync } = fs;
  replaceInFs("mkdirSync", ((made: string) => {
    rmSync(path);
    void socketAt(path).attached;
    return mkdirSync(made);
  }) as typeof mkdirSync);
  expect(await failureOf(path)).toMatchObject({ code: "already_exists" });
  const probe = connect(path);
  onTestFinished(() => void probe.destroy());
  await once(probe, "connect");
});

test("the lock of a host that died while it replaced a socket holds nobody up for long", async () => {
  const at = folder();
  leaveStale(join(at, "socket"));
  const lock = join(at, ".socket.lock");
  mkdirSync(lock);
  utimesSync(lock, 0, 0);
  await startHost({ endpoints: { e: { bind: `ipc://${join(at, "socket")}` } } });
  expect(readdirSync(at)).toEqual(["socket"]);
});

test("a file system without hard links is named as the reason", async () => {
  const at = folder();
  replaceInFs("linkSync", () => {
    throw Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" });
  });
  expect(await failureOf(join(at, "socket"))).toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("hard link"),
  });
  expect(readdirSync(at)).toEqual([]);
});

test("a missing folder is named", async () => {
  const path = join(folder(), "missing", "socket");
  expect(await failureOf(path)).toMatchObject({ message: `can't bind ipc://${path}: its folder does not exist` });
});
