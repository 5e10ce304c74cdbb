/** A plugin waits for a file that never comes, as on a share that is gone: the host ends all the same. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createClient } from "zmqecho";
import { ANY_PORT } from "../hosts.ts";
import { serve } from "../processes.ts";
import { figures, siteWith } from "./site.ts";

async function stuck() {
  const cwd = siteWith(
    {
      endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 8 } },
      shutdown: { graceMs: 300 },
      limits: { lingerMs: 100 },
    },
    {
      "wait.mjs": `import { readFile } from "node:fs/promises";
        export default (input) => { console.log("waiting"); return readFile(input, "utf8"); };`,
    },
  );
  const pipe = join(cwd, "pipe");
  execFileSync("mkfifo", [pipe]);
  const host = await serve([], { cwd });
  const client = createClient({ connect: host.addresses[0] ?? "", codec: "json", timeoutMs: 8_000 });
  const answer = client.call("wait", pipe).then(
    () => "ok",
    (error: { code: string }) => error.code,
  );
  await host.printed("waiting");
  return { host, client, answer };
}

test("at a signal its caller is told, and the process killed when nothing else is left to wait for", async () => {
  const { host, client, answer } = await stuck();
  const from = performance.now();
  const ended = await host.stop();
  const tookMs = performance.now() - from;
  expect(await answer).toBe("unavailable");
  expect(ended).toMatchObject({ code: null, signal: "SIGKILL" });
  expect(ended.stderr).toContain("stopped, but a file or a name is still waited for");
  expect(tookMs).toBeLessThan(6_000);
  await client.close();
  figures(`a read that never ends: grace 300 ms, linger 100 ms, ended ${Math.round(tookMs)} ms after SIGTERM`);
});

test("at a second signal at once", async () => {
  const { host, client, answer } = await stuck();
  process.kill(host.pid, "SIGTERM");
  await host.logged("draining");
  const from = performance.now();
  expect(await host.stop()).toMatchObject({ signal: "SIGKILL" });
  expect(performance.now() - from).toBeLessThan(2_000);
  expect(await answer).toBe("unavailable");
  await client.close();
});
