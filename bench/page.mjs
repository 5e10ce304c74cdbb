/**
 * A page of a host that stays open under load: `node bench/page.mjs [MINUTES] [PER_SECOND]`. What the page and the host hold, each half
 * minute. Needs Debian's `chromium` (`CHROMIUM` names another one); Linux only, since the host's memory is read from /proc.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { chromium } from "playwright-core";
import { createClient } from "../dist/index.js";
import { freeAddress, root, start, stop, zmqecho } from "./figures.mjs";

const minutes = Number(process.argv[2] ?? 10);
const perSecond = Number(process.argv[3] ?? 500);
const LOOK_MS = 30_000;
const MOST_MORE_MB = 3;

const folder = await mkdtemp(join(tmpdir(), "page-"));
const [address, http] = [await freeAddress(), (await freeAddress()).slice("tcp://".length)];
await writeFile(
  join(folder, "zmqecho.config.json"),
  JSON.stringify({
    watch: false,
    log: { level: "error" },
    endpoints: { gateway: { bind: address, handlers: ["*"], concurrency: 64 } },
    http: { bind: http, payloads: true },
  }),
);
const host = start([zmqecho, "serve", "--config", join(folder, "zmqecho.config.json")], root, {
  MALLOC_TRIM_THRESHOLD_: "131072",
});
const client = createClient({ connect: address, codec: "json", wait: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

let calls = 0;
let lost = 0;
const body = { id: 1234567, name: "Ada King Lovelace", total: 99.95, open: true };
/** One of fifty names a handler that there is not. */
function call() {
  const handler = ++calls % 50 === 0 ? `none-${calls}` : "echo";
  client.call(handler, body).catch(({ code }) => {
    if (code !== "not_found") lost++;
  });
}

async function holds(session) {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  const status = await readFile(`/proc/${host.child.pid}/status`, "utf8");
  return {
    heapMb: of("JSHeapUsedSize") / 2 ** 20,
    nodes: of("Nodes"),
    hostMb: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
    hostFiles: (await readdir(`/proc/${host.child.pid}/fd`)).length,
  };
}

await client.call("echo", body);
const page = await browser.newPage();
await page.goto(`http://${http}/`);
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable");
const timer = setInterval(() => {
  for (let left = perSecond / 20; left > 0; left--) call();
}, 50);
console.log(`node ${process.version}, ${perSecond} calls a second, 1 of 50 fails`);
console.log("minute  page's heap  nodes  host's RSS  files");
const seen = [];
for (let look = 0; look <= minutes * 2; look++) {
  if (look > 0) await delay(LOOK_MS);
  const now = await holds(session);
  seen.push(now);
  const cells = [look / 2, `${now.heapMb.toFixed(1)} MB`, now.nodes, `${now.hostMb.toFixed(0)} MB`, now.hostFiles];
  console.log(cells.map((cell, index) => String(cell).padStart([6, 12, 6, 11, 6][index])).join(" "));
}
clearInterval(timer);
await client.close();
await browser.close();
await stop(host);
await rm(folder, { recursive: true });
console.log(`${calls} calls, ${lost} lost`);
// A history of ten minutes fills; what comes after half of it must not be more than that.
const half = seen[seen.length >> 1];
const last = seen.at(-1);
if (lost > 0 || last.heapMb > half.heapMb + MOST_MORE_MB || last.nodes > 2 * half.nodes) process.exitCode = 1;
