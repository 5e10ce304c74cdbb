/** Processes that stand still for a while, as under a debugger, in a frozen container or on a machine that swaps: the host, and a client. */
import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "zmqecho";
import { ANY_PORT } from "../hosts.ts";
import { serve } from "../processes.ts";
import { codesOf, startLoad } from "./load.ts";
import { figures, peakMemoryOf, siteWith, until } from "./site.ts";

const STOPPED_MS = 2_500;
const TIMEOUT_MS = 800;

test("clients of a host that stands still give up in time, and get none of its late replies", async () => {
  const host = await serve([], {
    cwd: siteWith({ endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 32 } } }),
  });
  const load = startLoad({ connect: host.addresses[0] ?? "", handler: "echo", lanes: 8, timeoutMs: TIMEOUT_MS });
  await load.served(50);
  process.kill(host.pid, "SIGSTOP");
  await delay(STOPPED_MS);
  process.kill(host.pid, "SIGCONT");
  await load.served(50);
  await load.stop();
  expect(load.foreign()).toBe(0);
  expect(codesOf(load)).toEqual(["deadline_exceeded"]);
  for (const { tookMs, message } of load.failures) {
    expect(tookMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 1);
    expect(tookMs).toBeLessThan(TIMEOUT_MS + 2_000);
    expect(message).toMatch(/within 800 ms|tried for 800 ms|took too long|deadline/);
  }
  expect(await host.stop()).toMatchObject({ code: 0 });
  const longest = Math.round(Math.max(...load.failures.map(({ tookMs }) => tookMs)));
  figures(
    `a host stopped for ${STOPPED_MS} ms: ${load.ok()} served, ${load.failures.length} deadline_exceeded at a timeout of ${TIMEOUT_MS} ms, the longest after ${longest} ms`,
  );
});

test("calls whose deadline passed while the host stood still, and they waited, are not run", async () => {
  const cwd = siteWith(
    { endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 2 } } },
    {
      "slow.mjs": `export default (input) => {
        process.stdout.write("run " + input + ".");
        // By itself, and when all have been read: to be told to do so would take a time that nobody knows.
        if (input === 1) setTimeout(() => process.kill(process.pid, "SIGSTOP"), 100);
        return new Promise((done) => setTimeout(done, 500, input));
      };`,
    },
  );
  const host = await serve([], { cwd });
  const client = createClient({ connect: host.addresses[0] ?? "", codec: "json", timeoutMs: TIMEOUT_MS });
  await client.ping();
  const calls = Array.from({ length: 8 }, (_, number) => client.call("slow", number).catch(({ code }) => code));
  await Promise.all([host.printed("run 0."), host.printed("run 1.")]);
  expect(await Promise.all(calls)).toEqual(Array(8).fill("deadline_exceeded"));
  await delay(TIMEOUT_MS);
  process.kill(host.pid, "SIGCONT");
  expect(await client.call("slow", "afterwards", { timeoutMs: 8_000 })).toBe("afterwards");
  await client.close();
  const { code, stdout } = await host.stop();
  expect([code, stdout]).toEqual([0, "run 0.run 1.run afterwards."]);
});

test("a client that stands still with its replies on the way costs memory within bounds, and no other client anything", async () => {
  const requests = 1_500;
  const replyBytes = 100_000;
  const cwd = siteWith(
    {
      endpoints: {
        e: { bind: ANY_PORT, handler: "big", concurrency: 4_000 },
        f: { bind: ANY_PORT, codec: "json", concurrency: 8 },
      },
    },
    {
      "big.mjs": `let here = 0;
        export default (input) => new Promise((done) => {
          if (++here === ${requests}) console.log("all here");
          setTimeout(() => done(Buffer.concat([input, Buffer.alloc(${replyBytes})])), 1_500);
        });`,
    },
  );
  const host = await serve([], { cwd, addresses: 2 });
  const script = fileURLToPath(new URL("stopped-client.mjs", import.meta.url));
  const client = spawn(process.execPath, [script, host.addresses[0] ?? "", String(requests)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void client.kill("SIGKILL"));
  let told = "";
  client.stdout.on("data", (chunk: Buffer) => {
    told += chunk.toString();
  });
  const load = startLoad({ connect: host.addresses[1] ?? "", lanes: 4 });
  await host.printed("all here");
  client.kill("SIGSTOP");
  await host.logged("dropped replies that their peers do not take");
  await load.served(100);
  const peak = Math.round(peakMemoryOf(host.pid));
  client.kill("SIGCONT");
  await until(() => told.includes("replied"));
  await load.stop();
  const { replied, doubled, foreign } = JSON.parse(told.slice(told.indexOf("{"))) as Record<string, number>;
  expect([load.failures, load.foreign(), doubled, foreign]).toEqual([[], 0, 0, 0]);
  // libzmq keeps 256 for a peer, or 16 MiB of large ones.
  expect(replied).toBeGreaterThanOrEqual(150);
  expect(replied).toBeLessThan(requests);
  expect(peak).toBeLessThan(100 + 2 * ((requests * replyBytes) / 1024 / 1024));
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(
    `a stopped client: ${requests} replies of ${replyBytes} bytes, ${replied} kept for it and ${requests - (replied ?? 0)} dropped, host at ${peak} MiB at most, ${load.ok()} calls of others, 0 lost`,
  );
});
