/** The wall clock jumps by a day, there and back, while calls run. Needs Debian's `faketime`. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createClient } from "zmqecho";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT } from "../hosts.ts";
import { run, serve, start } from "../processes.ts";
import { startLoad } from "./load.ts";
import { figures, siteWith, until, untilAnswer } from "./site.ts";

const LIBRARY = readdirSync("/usr/lib")
  .map((folder) => `/usr/lib/${folder}/faketime/libfaketime.so.1`)
  .find(existsSync);

const DAY_MS = 86_400_000;

test("faketime is there", () => {
  expect(LIBRARY, "apt-get install faketime").toBeDefined();
});

/** Sets the clock of processes that have its environment. */
function createClock() {
  const file = join(folderWith({ now: "+0" }), "now");
  return {
    env: {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      // Only what people and time servers set: the kernel's own clock goes on.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    },
    /** In one step, since it is read at any time. */
    set(offset: string): void {
      writeFileSync(`${file}.new`, offset);
      renameSync(`${file}.new`, file);
    },
  };
}

test("no deadline of a host fires or hangs, and it follows edits and tells its figures as before", async () => {
  const clock = createClock();
  const cwd = siteWith(
    {
      handlers: { walled: { isolation: "process", timeoutMs: 2_000 } },
      endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 32 } },
    },
    {
      "now.mjs": "export default () => Date.now();",
      "slow.mjs": "export default (input) => new Promise((done) => setTimeout(done, 100, input));",
      "walled.mjs": "export default (input) => new Promise((done) => setTimeout(done, 100, input));",
      "never.mjs": "export default { timeoutMs: 300, handle: () => new Promise(() => {}) };",
      "edited.mjs": "export default () => 0;",
    },
  );
  const host = await serve([], { cwd, env: clock.env });
  const connect = host.addresses[0] ?? "";
  const client = createClient({ connect, codec: "json" });
  const loads = ["slow", "walled"].map((handler) => startLoad({ connect, handler, lanes: 4, timeoutMs: 2_000 }));
  await Promise.all(loads.map((load) => load.served(8)));
  for (const [index, [offset, days]] of (
    [
      ["+1d", 1],
      ["-1d", -1],
      ["+0", 0],
    ] as const
  ).entries()) {
    clock.set(offset);
    await Promise.all(loads.map((load) => load.served(12)));
    const ahead = (Number(await client.call("now", null)) - Date.now()) / DAY_MS;
    expect(ahead).toBeCloseTo(days, 2);
    const from = performance.now();
    await expect(client.call("never", null)).rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(performance.now() - from).toBeLessThan(3_000);
    writeFileSync(join(cwd, "plugins/edited.mjs"), `export default () => ${index + 1};`);
    await untilAnswer(() => client.call("edited", null), index + 1);
  }
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.map((load) => [load.failures, load.foreign()])).toEqual([
    [[], 0],
    [[], 0],
  ]);
  const { uptimeMs, handlers } = await client.stats();
  expect(uptimeMs).toBeGreaterThan(0);
  expect(uptimeMs).toBeLessThan(60_000);
  expect(JSON.stringify(handlers)).not.toMatch(/-\d|\d{8}/);
  await client.close();
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(
    `the clock a day ahead, a day behind, and back: ${loads.map((load) => load.ok()).join(" inline and ")} isolated calls, 0 lost`,
  );
});

test("a key that comes may connect, and one that goes may not", async () => {
  const clock = createClock();
  const cwd = siteWith({
    endpoints: { e: { bind: ANY_PORT, concurrency: 8, curve: { certificate: "host.key_secret", allow: "clients" } } },
  });
  mkdirSync(join(cwd, "clients"));
  expect(await run(["keygen", "host"], { cwd })).toMatchObject({ code: 0 });
  const host = await serve([], { cwd, env: clock.env });
  const keys = ["--certificate", "clients/ann.key_secret", "--server-key", "host.key"];
  const codeOfSend = async () => (await run(["send", host.addresses[0] ?? "", "hi", ...keys], { cwd })).code;
  clock.set("+1d");
  expect(await run(["keygen", "clients/ann"], { cwd })).toMatchObject({ code: 0 });
  while ((await codeOfSend()) !== 0);
  clock.set("-1d");
  rmSync(join(cwd, "clients/ann.key"));
  while ((await codeOfSend()) !== 80);
  expect(await host.stop()).toMatchObject({ code: 0 });
});

test("send takes as long as it says, and measures what it took", async () => {
  const clock = createClock();
  const host = await serve([ANY_PORT, "--codec", "json"]);
  const flags = ["--count", "12", "--interval", "100", "--timeout", "3000", "--codec", "json", "-o", "json"];
  const from = performance.now();
  const send = start(["send", host.addresses[0] ?? "", '"x"', ...flags], { env: clock.env });
  const replies = () => send.output.stdout().split("\n").filter(Boolean);
  for (const [index, offset] of ["+1d", "-1d", "+0"].entries()) {
    await until(() => replies().length > index * 3);
    clock.set(offset);
  }
  expect(await send.finished).toMatchObject({ code: 0 });
  expect(performance.now() - from).toBeLessThan(10_000);
  const latencies = replies().map((line) => Number((JSON.parse(line) as { latencyMs: unknown }).latencyMs));
  expect(latencies).toHaveLength(12);
  expect(latencies.filter((ms) => ms <= 0 || ms > 3_000)).toEqual([]);
  expect(await host.stop()).toMatchObject({ code: 0 });
});

test("bench measures what it took", async () => {
  const clock = createClock();
  const host = await serve([ANY_PORT, "--concurrency", "8"]);
  const flags = ["--duration", "2s", "--warmup", "0", "-o", "json"];
  const bench = start(["bench", host.addresses[0] ?? "", ...flags], { env: clock.env });
  const jumps = ["+1d", "-1d", "+0"].map((offset, index) => setTimeout(() => clock.set(offset), 900 + index * 300));
  const { code, stdout } = await bench.finished;
  jumps.forEach(clearTimeout);
  expect(code).toBe(0);
  const { ok, failed, elapsedMs, latencyMs } = JSON.parse(stdout) as {
    ok: number;
    failed: number;
    elapsedMs: number;
    latencyMs: { min: number; max: number };
  };
  expect([ok > 0, failed, elapsedMs > 1_900 && elapsedMs < 8_000]).toEqual([true, 0, true]);
  expect([latencyMs.min > 0, latencyMs.max < 5_000]).toEqual([true, true]);
  expect(await host.stop()).toMatchObject({ code: 0 });
});
