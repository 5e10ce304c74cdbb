/** `kill -9` of a host that serves: what is under way is lost, and said to be; all else goes on with the next host. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deadAddress } from "../hosts.ts";
import { serve } from "../processes.ts";
import { codesOf, startBareLoad, startLoad } from "./load.ts";
import { figures, siteWith } from "./site.ts";

const SLOW_ECHO = { "slow.mjs": "export default (input) => new Promise((done) => setTimeout(done, 10, input));" };

/** What clients see: the end of the host, nobody there, a moment without a socket file, and the first moment of the next host. */
const WHY = /closed the connection before it answered|refused|nobody|no such socket|the connection did not hold/;

test.each(["tcp", "ipc"])("clients go on with a new host at the same address, over %s", async (transport) => {
  const address = transport === "tcp" ? await deadAddress() : "ipc://./e.sock";
  const cwd = siteWith(
    { endpoints: { e: { bind: address, handler: "slow", codec: "json", concurrency: 32 } } },
    SLOW_ECHO,
  );
  const file = join(cwd, "e.sock");
  const connect = transport === "tcp" ? address : `ipc://${file}`;
  const first = await serve([], { cwd });
  const patient = startLoad({ connect, lanes: 8, retries: 20, wait: true, timeoutMs: 20_000 });
  const hasty = startLoad({ connect, lanes: 8, timeoutMs: 5_000 });
  const bare = startBareLoad(connect);
  await Promise.all([patient.served(100), hasty.served(100)]);

  expect(await first.stop("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
  expect(existsSync(file)).toBe(transport === "ipc");
  const second = await serve([], { cwd });
  await Promise.all([patient.served(100), hasty.served(100)]);
  await Promise.all([patient.stop(), hasty.stop(), bare.close()]);

  expect(patient.failures).toEqual([]);
  // Some were under way, and none waited for its deadline.
  expect(codesOf(hasty)).toEqual(["unavailable"]);
  for (const { message, tookMs } of hasty.failures) {
    expect(message).toMatch(WHY);
    expect(tookMs).toBeLessThan(5_000);
  }
  expect([patient.foreign(), hasty.foreign(), bare.foreign()]).toEqual([0, 0, 0]);
  expect([...bare.repliesPerRequest().keys()]).toEqual([1]);
  expect(await second.stop()).toMatchObject({ code: 0 });
  expect(existsSync(file)).toBe(false);
  figures(
    `killed host over ${transport}: ${patient.ok()} calls with retries, 0 lost; ${hasty.ok()} without, ${hasty.failures.length} unavailable, the longest after ${Math.round(Math.max(...hasty.failures.map(({ tookMs }) => tookMs)))} ms`,
  );
});
