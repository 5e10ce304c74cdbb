/**
 * Round trips beside libzmq's own echo loop in C, which is the least a server of ZeroMQ can cost: `node bench/c-loop.mjs
 * [ROUNDS] [REQUESTS]`. The client is in C too (c/client.c), so what differs is the server alone: c/echo.c as a REP and as a ROUTER,
 * three lines of Node, and `zmqecho serve`. All echo raw bytes. Needs a C compiler and libzmq's header, in Debian gcc and
 * libzmq3-dev; Linux only, since processor time is read from /proc.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cpuTime, freeAddress, median, percentile, root, zmqecho } from "./figures.mjs";
import { end, startCommand } from "./processes.mjs";

const BYTES = 64;
/** With one in flight at least so much of the C loop's rate. */
const TARGET = 0.8;
/** With many in flight a request takes so much less that a round needs more of them. */
const LOADS = [
  { inFlight: 1, times: 1 },
  { inFlight: 64, times: 5 },
];
/** So many times longer is the first round, in which compilers see what is asked of them. */
const WARM_UP = 5;
/** For all requests of a round; the client itself waits 20 s for a reply. */
const ROUND_MS = 120_000;

const rounds = Number(process.argv[2] ?? 41);
const requests = Number(process.argv[3] ?? 3_000);

/** Tells in one line why there is no comparison, if there is none. */
function compile(folder) {
  try {
    for (const name of ["echo", "client"]) {
      const source = `${root}bench/c/${name}.c`;
      execFileSync("cc", ["-std=gnu11", "-O2", "-Wall", "-o", join(folder, name), source, "-lzmq"], { stdio: "pipe" });
    }
    return undefined;
  } catch (error) {
    if (error.code === "ENOENT") return "no C compiler (cc); Debian: apt-get install gcc libc6-dev libzmq3-dev";
    if (/zmq\.h|-lzmq/.test(error.stderr)) return "no libzmq to compile with; Debian: apt-get install libzmq3-dev";
    throw error;
  }
}

/** The first one is what the others are held against. */
const kinds = (folder) => ({
  "C, REP": (address) => [join(folder, "echo"), "rep", address],
  "C, ROUTER": (address) => [join(folder, "echo"), "router", address],
  "bare REP loop": (address) => [process.execPath, `${root}bench/bare-serve.mjs`, address],
  "zmqecho, lock-step": served(1),
  "zmqecho, concurrency 64": served(64),
});

function served(concurrency) {
  const flags = ["--codec", "raw", "--quiet", "--concurrency", String(concurrency)];
  return (address) => [process.execPath, zmqecho, "serve", address, ...flags];
}

/** A client that has been answered once. */
async function startClient(folder, address, inFlight, server) {
  const client = startCommand([join(folder, "client"), address, String(inFlight), String(BYTES)], "pipe");
  const lines = createInterface({ input: client.child.stdout });
  async function said() {
    const line = once(lines, "line", { signal: AbortSignal.timeout(ROUND_MS) });
    const found = await Promise.race([line, client.ended, server.ended]);
    if (found instanceof Error) throw found;
    return found[0];
  }
  const version = await said();
  /** Nanoseconds that so many requests take. */
  async function drive(count) {
    client.child.stdin.write(`${count}\n`);
    return Number(await said());
  }
  return { client, version, drive };
}

/** Gives the client's version of libzmq, and of each kind its rounds by how many are in flight. */
async function measure(folder) {
  const started = [];
  try {
    const pairs = [];
    for (const [kind, command] of Object.entries(kinds(folder))) {
      const address = await freeAddress();
      const server = startCommand(command(address));
      started.push(server);
      for (const { inFlight, times } of LOADS) {
        const { client, version, drive } = await startClient(folder, address, inFlight, server);
        started.push(client);
        pairs.push({ kind, inFlight, times, pid: server.child.pid, drive, version, rounds: [] });
      }
    }
    for (let round = 0; round <= rounds; round++) {
      for (let turn = 0; turn < pairs.length; turn++) {
        const { times, pid, drive, rounds } = pairs[(turn + round) % pairs.length];
        const count = requests * times * (round === 0 ? WARM_UP : 1);
        const before = await cpuTime(pid);
        const tookNs = await drive(count);
        const serverUs = ((await cpuTime(pid)) - before) / count / 1000;
        if (round > 0) rounds.push({ rate: (count * 1e9) / tookNs, serverUs });
      }
    }
    return pairs;
  } finally {
    await Promise.all(started.map(end));
  }
}

const folder = mkdtempSync(join(tmpdir(), "zmqecho-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const missing = compile(folder);
if (missing === undefined) {
  report(await measure(folder));
} else {
  console.error(missing);
  process.exitCode = 2;
}

function report(pairs) {
  console.log(
    `node ${process.version}, libzmq ${pairs[0].version} in C, ${BYTES} bytes, medians of ${rounds} rounds of ${requests} requests (${LOADS.map(({ inFlight, times }) => `${inFlight} in flight: ${requests * times}`).join(", ")}); ratios are medians of pairs, in brackets the middle half; should be at least ${TARGET} x with 1 in flight`,
  );
  for (const { inFlight } of LOADS) {
    const list = pairs.filter((pair) => pair.inFlight === inFlight);
    for (const { kind, rounds } of list) {
      const ratios = rounds.map(({ rate }, index) => rate / list[0].rounds[index].rate);
      const [low, high] = [25, 75].map((hundredths) => percentile(ratios, hundredths).toFixed(2));
      const rate = median(rounds.map(({ rate }) => rate));
      const serverUs = median(rounds.map(({ serverUs }) => serverUs));
      console.log(
        `${String(inFlight).padStart(2)} in flight  ${kind.padEnd(24)} ${rate.toFixed(0).padStart(7)} a second  ${median(ratios).toFixed(2)} x (${low}–${high})  ${serverUs.toFixed(1).padStart(5)} µs of CPU`,
      );
    }
  }
}
