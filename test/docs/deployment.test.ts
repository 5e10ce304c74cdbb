/** The service and the image in examples/: what they rest on holds. Debian's systemd has its say in test/foreign. */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "jsonc-parser";
import { expect, test } from "vitest";
import { DEFAULTS } from "../../src/config/defaults.ts";
import { folderWith } from "../config/folder.ts";
import { run, serve } from "../processes.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(join(checkout, file), "utf8");
const unit = read("examples/systemd/zmqecho.service");
const config = read("examples/systemd/zmqecho.config.json");

/** The last value of a setting. */
function setting(name: string): string | undefined {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].at(-1)?.[1];
}

test("systemd waits longer for the end than the host takes at most", () => {
  const { shutdown } = parse(config) as { shutdown: { graceMs: number } };
  expect(Number(setting("TimeoutStopSec")) * 1000).toBeGreaterThan(shutdown.graceMs + DEFAULTS.limits.lingerMs + 2000);
});

test("a configuration that is wrong ends with the code at which systemd does not start it again", async () => {
  const cwd = folderWith({ "zmqecho.config.json": '{ "endpoint": {} }' });
  expect(String((await run(["serve"], { cwd })).code)).toBe(setting("RestartPreventExitStatus"));
});

test("the service may do what Node and libzmq can't do without", () => {
  expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m);
  expect(setting("RestrictAddressFamilies")?.split(" ").sort()).toEqual([
    "AF_INET",
    "AF_INET6",
    "AF_NETLINK",
    "AF_UNIX",
  ]);
  expect(setting("NotifyAccess")).toBe("all");
  expect(setting("KillMode")).toBe("mixed");
});

/** A folder as /etc/zmqecho is, and the directories that systemd gives to the service. */
async function installed() {
  const anyPorts = config.replaceAll(/tcp:\/\/[\d.]+:\d+/g, "tcp://127.0.0.1:*");
  const cwd = folderWith({
    "zmqecho.config.json": anyPorts,
    "clients/.keep": "",
    "credentials/.keep": "",
    "run/.keep": "",
  });
  expect(await run(["keygen", "credentials/host"], { cwd })).toMatchObject({ code: 0 });
  expect(await run(["keygen", "clients/ann"], { cwd })).toMatchObject({ code: 0 });
  chmodSync(join(cwd, "credentials/host.key_secret"), 0o400);
  const env = { CREDENTIALS_DIRECTORY: join(cwd, "credentials"), RUNTIME_DIRECTORY: join(cwd, "run") };
  return { cwd, env };
}

test("the service's configuration takes its key from the credentials, and its ipc socket from the runtime directory", async () => {
  const { cwd, env } = await installed();
  expect(await run(["check"], { cwd, env })).toMatchObject({ code: 0 });
  const served = await serve([], { cwd, env, addresses: 3 });
  const [, local = "", open = ""] = served.addresses;
  expect(local).toBe(`ipc://${cwd}/run/local`);
  const call = (...args: string[]) =>
    run(["send", ...args, "--handler", "echo", "--codec", "json", "1", "-o", "value"], { cwd });
  expect(await call(local)).toMatchObject({ code: 0, stdout: "1\n" });
  const keys = ["--server-key", "credentials/host.key", "--certificate", "clients/ann.key_secret"];
  expect(await call(open, ...keys)).toMatchObject({ code: 0, stdout: "1\n" });
  expect(await call(open)).toMatchObject({ code: 80 });
  expect(await served.stop()).toMatchObject({ code: 0 });
});

test("without systemd's directories the service's configuration is wrong, and says which are missing", async () => {
  const { cwd } = await installed();
  const { code, stderr } = await run(["check"], {
    cwd,
    env: { CREDENTIALS_DIRECTORY: undefined, RUNTIME_DIRECTORY: undefined },
  });
  expect(code).toBe(2);
  expect(stderr).toContain("the environment variable CREDENTIALS_DIRECTORY is not set");
  expect(stderr).toContain("the environment variable RUNTIME_DIRECTORY is not set");
});
