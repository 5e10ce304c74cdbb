/** No room for what is written: the log, a recording, a report. What is served goes on. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "zmqecho";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, deadAddress } from "../hosts.ts";
import { run, serve, start } from "../processes.ts";
import { startLoad } from "./load.ts";
import { figures } from "./site.ts";

test.each([
  ["on a full disk", "2>/dev/full"],
  ["over the limit of a file's size", "2>log"],
  ["closed at the start", "2>&- >&-"],
])("a host whose log is %s serves, and ends in order", async (how, redirection) => {
  const address = await deadAddress();
  // Two blocks of 512 bytes or of 1024, as the shell counts.
  const shell = `ulimit -f 2; exec "$0" "$@" ${redirection}`;
  const host = start(["serve", address, "-v", "--codec", "json", "--concurrency", "8"], { shell });
  const load = startLoad({ connect: address, lanes: 4, wait: true });
  await load.served(200);
  await load.stop();
  host.child.kill("SIGTERM");
  expect(await host.finished).toMatchObject({ code: 0 });
  expect([load.failures, load.foreign()]).toEqual([[], 0]);
  figures(`a log ${how}: ${load.ok()} calls, 0 lost, exit 0`);
});

test.skipIf(process.getuid?.() !== 0)("a log whose disk was full goes on when there is room", async ({ skip }) => {
  const folder = folderWith({});
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=32k", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    skip("no file system can be mounted here");
  }
  onTestFinished(() => void execFileSync("umount", ["-l", disk]));
  const address = await deadAddress();
  const shell = 'exec "$0" "$@" 2>disk/log';
  const host = start(["serve", address, "-v", "--codec", "json", "--concurrency", "8"], { cwd: folder, shell });
  const client = createClient({ connect: address, codec: "json", wait: true });
  expect(await client.request("before")).toBe("before");
  writeFileSync(join(disk, "filler"), Buffer.alloc(4096));
  const load = startLoad({ connect: address, lanes: 4 });
  await load.served(200);
  expect(() => writeFileSync(join(disk, "more"), Buffer.alloc(4096))).toThrow("ENOSPC");
  rmSync(join(disk, "more"));
  rmSync(join(disk, "filler"));
  expect(await client.request("afterwards")).toBe("afterwards");
  await load.stop();
  await client.close();
  host.child.kill("SIGTERM");
  expect(await host.finished).toMatchObject({ code: 0 });
  expect(load.failures).toEqual([]);
  const lines = readFileSync(join(disk, "log"), "utf8").split("\n").filter(Boolean);
  expect(lines.at(-1)).toContain("stopped");
  // The line at which the room ended may be cut.
  const broken = lines.filter((line) => !isJson(line));
  expect(broken.length).toBeLessThanOrEqual(1);
  figures(
    `a disk that was full for a while: ${load.ok()} calls, 0 lost, ${broken.length} broken lines of ${lines.length}`,
  );
});

test("a recording that finds no room ends in one line and exit 1, and the traffic goes on", async () => {
  const host = await serve([ANY_PORT, "--codec", "json"]);
  const address = await deadAddress();
  const tap = start(["tap", address, host.addresses[0] ?? "", "--record", "/dev/full", "-q"]);
  const load = startLoad({ connect: address, lanes: 4, wait: true });
  await load.served(100);
  await load.stop();
  tap.child.kill("SIGTERM");
  const { code, stderr } = await tap.finished;
  expect([code, load.failures, load.foreign()]).toEqual([1, [], 0]);
  expect(stderr.split("can't be written, so the recording ends here; the traffic goes on: ENOSPC")).toHaveLength(2);
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(`a recording on a full disk: ${load.ok()} calls through the tap, 0 lost, exit ${code}`);
});

test.skipIf(process.getuid?.() !== 0)(
  "failed requests that find no room are lost, and kept again when there is",
  async ({ skip }) => {
    const disk = "disk/captures";
    const capture = { dir: disk };
    const endpoints = { e: { bind: ANY_PORT, handler: "it", codec: "json", concurrency: 8 } };
    const plugin = "export default () => { throw new Error(); };";
    const folder = folderWith({
      "zmqecho.config.json": JSON.stringify({ endpoints, capture }),
      "plugins/it.ts": plugin,
    });
    mkdirSync(join(folder, "disk"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", join(folder, "disk")], { stdio: "ignore" });
    } catch {
      skip("no file system can be mounted here");
    }
    onTestFinished(() => void execFileSync("umount", ["-l", join(folder, "disk")]));
    const host = await serve([], { cwd: folder });
    const client = createClient({ connect: host.addresses[0] ?? "", codec: "json" });
    const fail = async (count: number) => {
      for (let number = 0; number < count; number++)
        await expect(client.request("x".repeat(1000))).rejects.toMatchObject({ code: "internal" });
    };
    writeFileSync(join(folder, "disk/filler"), Buffer.alloc(32 * 1024));
    await fail(100);
    await host.logged("ENOSPC");
    rmSync(join(folder, "disk/filler"));
    await fail(3);
    await client.close();
    const { stderr } = await host.stop();
    const lines = linesIn(join(folder, disk));
    expect(lines.filter((line) => !isJson(line))).toEqual([]);
    const kept = lines.filter((line) => line.includes('"code":"internal"')).length;
    expect(kept).toBeGreaterThan(5);
    const said = stderr.split("\n").filter((line) => line.includes("can't keep failed requests")).length;
    expect(said).toBeLessThan(5);
    figures(`failed requests on a full disk: ${kept} of 103 kept, said ${said} times, 103 replies`);
  },
);

test("a report that finds no room is one line and exit 2, after the figures", async () => {
  const host = await serve([ANY_PORT]);
  const report = ["--requests", "20", "--report", "/dev/full"];
  const { code, stderr, stdout } = await run(["bench", host.addresses[0] ?? "", ...report]);
  expect(stderr).toMatch(/^zmqecho: can't write \/dev\/full: ENOSPC[^\n]*\n$/);
  expect(stdout).toContain("20");
  expect(code).toBe(2);
  expect(await host.stop()).toMatchObject({ code: 0 });
});

function linesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
