/** What `serve` tells systemd, here by a program of its own that writes down what it was called with. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT } from "../hosts.ts";
import { serve, start } from "../processes.ts";

const WRITES_DOWN = 'printf "%s|" "$@" >>told; echo "$NOTIFY_SOCKET" >>told';

/** A folder with a `systemd-notify`, the environment of a service that has it on its PATH, and what it was told. */
function service(script: string, files: Readonly<Record<string, string>> = {}) {
  const cwd = folderWith({ "bin/systemd-notify": `#!/bin/sh\ncd "$(dirname "$0")"\n${script}\n`, ...files });
  chmodSync(join(cwd, "bin/systemd-notify"), 0o755);
  const told = () => {
    const file = join(cwd, "bin/told");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  };
  const env = { NOTIFY_SOCKET: "/run/notify", PATH: `${join(cwd, "bin")}:/usr/bin:/bin` };
  return { cwd, env, told };
}

const READY = "READY=1|STATUS=serving|/run/notify";
const RELOADING = expect.stringMatching(/^RELOADING=1\|MONOTONIC_USEC=\d+\|STATUS=reloading\|\/run\/notify$/);
const STOPPING = "STOPPING=1|EXTEND_TIMEOUT_USEC=19000000|STATUS=draining, for 19000 ms at most|/run/notify";

test("it is ready once it listens, reloading at SIGHUP, and stopping once it drains", async () => {
  const { cwd, env, told } = service(WRITES_DOWN);
  const served = await serve([ANY_PORT], { cwd, env });
  await expect.poll(told).toEqual([READY]);
  process.kill(served.pid, "SIGHUP");
  await expect.poll(told).toEqual([READY, RELOADING, READY]);
  expect(await served.stop()).toMatchObject({ code: 0 });
  await expect.poll(told).toEqual([READY, RELOADING, READY, STOPPING]);
});

test("a reload that can't be used ends too, and says so", async () => {
  const config = JSON.stringify({ watch: false, endpoints: { e: { bind: ANY_PORT } } });
  const { cwd, env, told } = service(WRITES_DOWN, { "zmqecho.config.json": config });
  const served = await serve([], { cwd, env });
  writeFileSync(join(cwd, "zmqecho.config.json"), '{ "endpoint": {} }');
  process.kill(served.pid, "SIGHUP");
  const asBefore =
    "READY=1|STATUS=serving as before: what the last reload found can't be used, see the log|/run/notify";
  await expect.poll(told).toEqual([READY, RELOADING, asBefore]);
  expect(await served.stop()).toMatchObject({ code: 0 });
});

test("one that can't start is never ready", async () => {
  const { cwd, env, told } = service(WRITES_DOWN);
  const { finished } = start(["serve", "tcp://192.0.2.1:1"], { cwd, env });
  expect(await finished).toMatchObject({ code: 1 });
  expect(told()).toEqual([]);
});

test("one that is told to stop while it starts is never ready", async () => {
  const slow =
    "export default { setup: () => { console.log('setting up'); return new Promise((r) => setTimeout(r, 300)); }, handle: () => 1 };";
  const { cwd, env, told } = service(WRITES_DOWN, { "slow.mjs": slow });
  const { child, finished } = start(["serve", ANY_PORT, "--handler", "./slow.mjs"], { cwd, env });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGTERM");
  expect(await finished).toMatchObject({ code: 0 });
  await expect.poll(told).toEqual([STOPPING]);
});

test("a sign of life comes as often as the watchdog wants one", async () => {
  const { cwd, env, told } = service(WRITES_DOWN);
  const served = await serve([ANY_PORT], { cwd, env: { ...env, WATCHDOG_USEC: "200000" } });
  const alive = () => told().filter((line) => line === "WATCHDOG=1|/run/notify").length;
  await expect.poll(alive).toBeGreaterThan(2);
  expect(await served.stop()).toMatchObject({ code: 0 });
});

test("another process's watchdog is not its own", async () => {
  const { cwd, env, told } = service(WRITES_DOWN);
  const served = await serve([ANY_PORT], { cwd, env: { ...env, WATCHDOG_USEC: "2000", WATCHDOG_PID: "1" } });
  await expect.poll(told).toEqual([READY]);
  expect(await served.stop()).toMatchObject({ code: 0 });
  await expect.poll(told).toEqual([READY, STOPPING]);
});

test("nobody is told who does not ask", async () => {
  const { cwd, env, told } = service(WRITES_DOWN);
  const served = await serve([ANY_PORT], { cwd, env: { ...env, NOTIFY_SOCKET: undefined } });
  expect(await served.stop()).toMatchObject({ code: 0 });
  expect(told()).toEqual([]);
});

test("a handler's process can't speak for it", async () => {
  const spy =
    "export default { isolation: 'process', handle: () => Object.keys(process.env).filter((name) => /NOTIFY|WATCHDOG/.test(name)) };";
  const { cwd, env } = service(WRITES_DOWN, { "spy.mjs": spy });
  const served = await serve([ANY_PORT, "--handler", "./spy.mjs", "--codec", "json"], {
    cwd,
    env: { ...env, WATCHDOG_USEC: "10000000" },
  });
  const client = createClient({ connect: served.addresses[0] ?? "", codec: "json" });
  onTestFinished(() => client.close());
  expect(await client.request(null)).toEqual([]);
});

test.each([
  ["is not there", undefined, "there is no systemd-notify on the PATH"],
  ["fails", "echo 'no such socket' >&2; exit 1", "no such socket"],
])("a systemd-notify that %s costs one warning and nothing else", async (_, script, words) => {
  const { cwd, env } = service(script ?? "");
  const PATH = script === undefined ? cwd : env.PATH;
  const served = await serve([ANY_PORT], { cwd, env: { ...env, PATH } });
  await served.logged(words);
  process.kill(served.pid, "SIGHUP");
  const client = createClient({ connect: served.addresses[0] ?? "", codec: "raw" });
  onTestFinished(() => client.close());
  expect(String(await client.request("served"))).toBe("served");
  const { code, stderr } = await served.stop();
  expect(code).toBe(0);
  expect(stderr.match(/can't tell systemd/g)).toHaveLength(1);
});

test("a systemd-notify that hangs holds up neither requests nor the end", async () => {
  const { cwd, env } = service("echo $$ >told; exec sleep 20");
  const served = await serve([ANY_PORT], { cwd, env });
  const pid = () => Number(readFileSync(join(cwd, "bin/told"), "utf8"));
  onTestFinished(() => void process.kill(pid(), "SIGKILL"));
  const client = createClient({ connect: served.addresses[0] ?? "", codec: "raw" });
  onTestFinished(() => client.close());
  expect(String(await client.request("served"))).toBe("served");
  expect(await served.stop()).toMatchObject({ code: 0 });
  expect(() => process.kill(pid(), 0)).not.toThrow();
});
