/** A host that may open few files, and more clients than that. */
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "zmqecho";
import { ANY_PORT } from "../hosts.ts";
import { run, type Served, serve } from "../processes.ts";
import { startLoad } from "./load.ts";
import { figures, openFilesOf, siteWith } from "./site.ts";

const LIMIT = 80;
const shell = `ulimit -n ${LIMIT}; exec "$0" "$@"`;
const CONFIG = {
  handlers: { thread: { isolation: "thread" }, process: { isolation: "process" } },
  endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 16 }, f: { bind: ANY_PORT } },
  shutdown: { graceMs: 1_000 },
};
const PLUGINS = {
  "inline.mjs": "export default () => 1;",
  "thread.mjs": "export default () => 'thread';",
  "process.mjs": "export default () => 'process';",
};
const OUT = "no more files can be opened";

test("it serves those who are in, says once why nobody else can connect, and recovers when some have left", async () => {
  const cwd = siteWith(CONFIG, PLUGINS);
  const host = await serve([], { cwd, shell, addresses: 2 });
  const address = host.addresses[0] ?? "";
  const load = startLoad({ connect: address, handler: "echo", lanes: 8 });
  const client = createClient({ connect: address, codec: "json" });
  await Promise.all([load.served(50), client.call("inline", null)]);
  const strangers = await crowd(host, 2 * LIMIT);
  await host.logged(OUT);
  expect(openFilesOf(host.pid)).toBeGreaterThanOrEqual(LIMIT);
  await load.served(100);
  // What needs files itself fails for its caller, and for nobody else.
  for (const handler of ["thread", "process"]) {
    await expect(client.call(handler, null)).rejects.toMatchObject({ code: "unavailable" });
  }
  writeFileSync(join(cwd, "plugins/inline.mjs"), "export default () => 2;");
  await load.served(200);
  for (const socket of strangers) socket.destroy();
  await host.logged("files can be opened again");
  await host.logged("reloaded handler inline");
  expect([await client.call("inline", null), await client.call("thread", null)]).toEqual([2, "thread"]);
  const newcomer = createClient({ connect: address, codec: "json" });
  expect(await newcomer.call("echo", "hi")).toBe("hi");
  await load.stop();
  expect([load.failures, load.foreign()]).toEqual([[], 0]);
  expect(host.log().split(OUT)).toHaveLength(2);
  await Promise.all([client.close(), newcomer.close()]);
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(
    `few files: ${LIMIT} files, ${2 * LIMIT} strangers, ${load.ok()} calls of who was in, 0 lost, ${host.log().split("\n").length - 1} lines of log`,
  );
});

test.each([0, 1, 2, 3, 5])("with %d files left a signal ends it in order", async (left) => {
  const host = await serve([], { cwd: siteWith(CONFIG, PLUGINS), shell, addresses: 2 });
  while (openFilesOf(host.pid) < LIMIT - left) {
    await crowd(host, 1);
    // It is let in a moment later.
    await delay(20);
  }
  const from = performance.now();
  expect(await host.stop()).toMatchObject({ code: 0 });
  // Well before the last resort, at grace and linger and two seconds.
  expect(performance.now() - from).toBeLessThan(4_000);
});

test.each([20, 32, 40, 48])("a limit of %d files, too low to start at all, is exit 1 and one line", async (limit) => {
  const { code, stderr } = await run(["serve", ANY_PORT], { shell: `ulimit -n ${limit}; exec "$0" "$@"` });
  expect(stderr).toMatch(/^zmqecho: too many open files[^\n]*ulimit -n\)\n$/);
  expect(code).toBe(1);
});

/** Connections that say nothing, more perhaps than are let in. */
async function crowd(host: Served, count: number): Promise<Socket[]> {
  const port = Number(host.addresses[0]?.split(":").pop());
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1").on("error", () => {}));
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once("connect", resolve))));
  return sockets;
}
