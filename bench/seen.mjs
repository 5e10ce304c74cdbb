/**
 * What it costs a host to be seen: `node bench/seen.mjs [ROUNDS] [REQUESTS]`. Processor time of a host's process per request, 64 clients:
 * one that shows nothing, one with `http` that nobody looks at, and one with all there is: `http` with payloads, a page that is open, metrics
 * read each second, failures kept. Two more are traced by an SDK, whose own cost is in that. Linux only: the time is read from /proc.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectTo, cpuTime, drive, freeAddress, median, root, start, stop, zmqecho } from "./figures.mjs";

const rounds = Number(process.argv[2] ?? 15);
const requests = Number(process.argv[3] ?? 32_000);
const CLIENTS = 64;
const MOST = 1.1;

/** Looks at a host as a page and a Prometheus do, until it is told to stop. */
function look(url) {
  const ended = new AbortController();
  const { signal } = ended;
  const failed = (error) => {
    if (!signal.aborted) throw error;
  };
  const read = async (path) => {
    const answer = await fetch(`${url}${path}`, { signal });
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
    for await (const _ of answer.body);
  };
  read("/page/events").catch(failed);
  const timer = setInterval(() => read("/metrics").catch(failed), 1000);
  return () => {
    clearInterval(timer);
    ended.abort();
  };
}

const traced = ["--import", `${root}bench/otel.mjs`];
const folder = await mkdtemp(join(tmpdir(), "seen-"));

async function serve(kind, settings, { isSeen = false, flags = [], env = {} } = {}) {
  const address = await freeAddress();
  const bind = (await freeAddress()).slice("tcp://".length);
  const endpoints = { e: { bind: address, codec: "json", concurrency: 64 } };
  const config = { watch: false, log: { level: "error" }, endpoints, ...settings(bind) };
  const file = join(folder, `${bind.replace(":", "-")}.json`);
  await writeFile(file, JSON.stringify(config));
  const server = start([...flags, zmqecho, "serve", "--config", file], root, env);
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => connectTo(address)));
  const endLook = isSeen ? look(`http://${bind}`) : () => {};
  return { kind, server, sockets, endLook, costs: [] };
}

const servers = [
  await serve("nothing", () => ({})),
  await serve("http, nobody looks", (bind) => ({ http: { bind } })),
  await serve(
    "all, and looked at",
    (bind) => ({ http: { bind, payloads: true }, capture: { dir: join(folder, "captures") } }),
    { isSeen: true },
  ),
  await serve("traces, 1 of 100 kept", () => ({}), { flags: traced }),
  await serve("traces, all kept", () => ({}), { flags: traced, env: { TRACES: "1" } }),
];
console.log(
  `node ${process.version}, ${CLIENTS} clients, medians of ${rounds} rounds of ${requests} requests; ratios are medians of pairs`,
);
// The first round warms the compiler.
for (let round = 0; round <= rounds; round++) {
  for (const { server, sockets, costs } of servers) {
    const before = await cpuTime(server.child.pid);
    await drive(sockets, requests);
    const spent = (await cpuTime(server.child.pid)) - before;
    if (round > 0) costs.push(spent / requests / 1000);
  }
}
for (const { sockets, server, endLook } of servers) {
  endLook();
  for (const socket of sockets) socket.close();
  await stop(server);
}
await rm(folder, { recursive: true });
const [nothing] = servers;
const promised = servers.filter(({ kind }) => !kind.startsWith("traces"));
for (const { kind, costs } of servers) {
  const ratio = median(costs.map((cost, index) => cost / nothing.costs[index]));
  console.log(`${kind.padEnd(24)} ${median(costs).toFixed(1).padStart(6)} µs  ${ratio.toFixed(2)} x`);
  if (ratio > MOST && promised.some((one) => one.kind === kind)) process.exitCode = 1;
}
