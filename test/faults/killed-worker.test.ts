/** Processes that work for a host and are killed or stopped, while it serves. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createClient } from "zmqecho";
import { ANY_PORT } from "../hosts.ts";
import { serve } from "../processes.ts";
import { startLoad } from "./load.ts";
import { childrenOf, commandOf, figures, siteWith, until, untilAnswer } from "./site.ts";

const ISOLATED = {
  handlers: { slow: { isolation: "process", timeoutMs: 1_000, pool: { maxWorkers: 2 } } },
  endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 32 } },
};
const PLUGINS = { "slow.mjs": "export default (input) => new Promise((done) => setTimeout(done, 20, input));" };

test("a worker that is killed costs the call it ran, and a fresh one comes", async () => {
  const host = await serve([], { cwd: siteWith(ISOLATED, PLUGINS) });
  const connect = host.addresses[0] ?? "";
  const isolated = startLoad({ connect, handler: "slow", lanes: 8 });
  const inline = startLoad({ connect, handler: "echo", lanes: 4 });
  await isolated.served(50);
  const before = workersOf(host.pid);
  const kills = 3;
  for (let killed = 0; killed < kills; killed++) {
    process.kill(workersOf(host.pid)[0] ?? 0, "SIGKILL");
    await isolated.served(50);
  }
  await Promise.all([isolated.stop(), inline.stop()]);
  const after = workersOf(host.pid);

  // One that is killed between two calls costs none.
  expect(isolated.failures.length).toBeLessThanOrEqual(kills);
  for (const { code, tookMs } of isolated.failures) {
    expect(code).toBe("internal");
    expect(tookMs).toBeLessThan(1_000);
  }
  expect([inline.failures, inline.foreign(), isolated.foreign()]).toEqual([[], 0, 0]);
  expect(after).toHaveLength(2);
  expect(after).not.toEqual(before);
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(
    `killed workers: ${kills} kills, ${isolated.ok()} isolated and ${inline.ok()} inline calls served, ${isolated.failures.length} internal`,
  );
});

test("a worker that is stopped is killed at its call's deadline, and others serve meanwhile", async () => {
  const host = await serve([], { cwd: siteWith(ISOLATED, PLUGINS) });
  const connect = host.addresses[0] ?? "";
  const isolated = startLoad({ connect, handler: "slow", lanes: 8 });
  const inline = startLoad({ connect, handler: "echo", lanes: 4 });
  await isolated.served(50);
  const [stopped = 0] = workersOf(host.pid);
  process.kill(stopped, "SIGSTOP");
  await Promise.all([until(() => commandOf(stopped) === ""), isolated.served(50)]);
  await Promise.all([isolated.stop(), inline.stop()]);

  expect(isolated.failures.map(({ code }) => code)).toEqual(["deadline_exceeded"]);
  expect([inline.failures, inline.foreign(), isolated.foreign()]).toEqual([[], 0, 0]);
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(
    `stopped worker: ${isolated.ok()} isolated and ${inline.ok()} inline calls served, 1 deadline_exceeded after ${Math.round(isolated.failures[0]?.tookMs ?? 0)} ms`,
  );
});

test("edits are picked up although the process that bundles plugins was killed", async () => {
  const cwd = siteWith(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 8 } } },
    { "one.mjs": "export default () => 1;", "two.mjs": "export default () => 1;" },
  );
  const host = await serve([], { cwd });
  const load = startLoad({ connect: host.addresses[0] ?? "", handler: "echo", lanes: 4 });
  const client = createClient({ connect: host.addresses[0] ?? "", codec: "json" });
  for (const version of [2, 3]) {
    const bundler = childrenOf(host.pid).find((pid) => commandOf(pid).includes("esbuild"));
    if (bundler === undefined) throw new Error("no process of esbuild is kept: this test has nothing to kill");
    process.kill(bundler, "SIGKILL");
    await until(() => commandOf(bundler) === "");
    // Two at once: the second that finds nobody there must not end what the first has started.
    for (const name of ["one", "two"]) {
      writeFileSync(join(cwd, `plugins/${name}.mjs`), `export default () => ${version};`);
    }
    for (const name of ["one", "two"]) {
      await untilAnswer(() => client.call(name, null), version);
    }
  }
  await load.stop();
  expect([load.failures, load.foreign()]).toEqual([[], 0]);
  expect(host.log()).not.toContain('"level":"error"');
  await client.close();
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(`killed bundler: 2 kills, 4 edits served, ${load.ok()} calls meanwhile, 0 lost`);
});

function workersOf(host: number): number[] {
  return childrenOf(host)
    .filter((pid) => commandOf(pid).includes("worker/main.js"))
    .sort((a, b) => a - b);
}
