/** Debian's systemd: what it says of the unit in examples/systemd, and its own systemd-notify between a host and a socket that listens as it does. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT } from "../hosts.ts";
import { serve } from "../processes.ts";
import { here, PYTHON, root } from "./programs.ts";

/** Python's receiver at an address, and the lines that it prints, one after another. */
async function receiverAt(address: string): Promise<AsyncIterator<string>> {
  const child = spawn(PYTHON, [`${here}notify_receiver.py`, address], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect(await lines.next()).toMatchObject({ value: "bound" });
  return lines;
}

test.each([
  ["of a path", (folder: string) => join(folder, "notify")],
  ["without a path", (folder: string) => `@${folder}/notify`],
])("systemd-notify brings what a host tells to a socket %s", async (_, addressIn) => {
  const folder = folderWith({});
  const address = addressIn(folder);
  const lines = await receiverAt(address);
  const next = async () => (await lines.next()).value;
  const served = await serve([ANY_PORT], { env: { NOTIFY_SOCKET: address } });
  expect(await next()).toBe("READY=1|STATUS=serving");
  process.kill(served.pid, "SIGHUP");
  expect(await next()).toMatch(/^RELOADING=1\|MONOTONIC_USEC=\d+\|STATUS=reloading$/);
  expect(await next()).toBe("READY=1|STATUS=serving");
  const { code, stderr } = await served.stop();
  expect(await next()).toBe("STOPPING=1|EXTEND_TIMEOUT_USEC=19000000|STATUS=draining, for 19000 ms at most");
  expect(code).toBe(0);
  expect(stderr).not.toContain("can't tell systemd");
});

test("a socket that nobody listens at costs one warning", async () => {
  const served = await serve([ANY_PORT], { env: { NOTIFY_SOCKET: join(folderWith({}), "nobody") } });
  await served.logged("can't tell systemd");
  const { code, stderr } = await served.stop();
  expect(code).toBe(0);
  expect(stderr.match(/can't tell systemd/g)).toHaveLength(1);
});

/** What systemd-analyze complains of in the unit; nothing if all is well. It ends with 0 for settings that it does not know. */
async function complaintsOf(unit: string): Promise<string> {
  const file = join(folderWith({ "zmqecho.service": unit }), "zmqecho.service");
  const { stdout, stderr } = await promisify(execFile)("systemd-analyze", ["verify", file]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return stdout + stderr;
}

const unit = readFileSync(`${root}examples/systemd/zmqecho.service`, "utf8").replace("/usr/bin/node", process.execPath);

test("systemd has nothing to say against the unit", async () => {
  expect(await complaintsOf(unit)).toBe("");
});

test.each([
  ["a setting that there is not", "TasksMax=", "TaskMax=", "Unknown key 'TaskMax'"],
  ["a value that there is not", "Restart=on-failure", "Restart=on-failures", "Failed to parse service restart"],
  ["a program that there is not", process.execPath, "/usr/bin/no-node", "is not executable"],
  ["system calls that there are not", "@system-service", "@sytem-service", "sytem-service"],
])("it has against %s", async (_, right, wrong, complaint) => {
  expect(await complaintsOf(unit.replaceAll(right, wrong))).toContain(complaint);
});

test("systemd reckons that the service is exposed to little: below 2, where 10 is most", async () => {
  const file = join(folderWith({ "zmqecho.service": unit }), "zmqecho.service");
  const { stdout } = await promisify(execFile)("systemd-analyze", ["security", "--offline=yes", file]);
  const [, exposure] = /Overall exposure level for zmqecho\.service: ([\d.]+)/.exec(stdout) ?? [];
  expect(Number(exposure)).toBeLessThan(2);
});
