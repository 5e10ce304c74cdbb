/**
 * What connections cost that say nothing, in memory: `node bench/idle-connections.mjs [CONNECTIONS] [ROUNDS]`, beside a loop
 * of three lines. Each round starts each server anew, so that none profits from what another left, and asks it something when all
 * are connected. Linux only: memory is read from /proc.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { connectTo, freeAddress, median, root, zmqecho } from "./figures.mjs";
import { end, startCommand, watch } from "./processes.mjs";

/** Times the bare loop's memory, at most. */
const TARGET = 1.2;
/** So many processes share the connections, each of which has to stay below the limit of open files too. */
const PEERS = 3;
/** What a server has open besides connections, with room to spare. */
const OTHER_FILES = 200;
const CONNECT_MS = 120_000;
/** Memory has settled when it grew by less than a page or so in this time. */
const SETTLE_MS = 500;
const LONGEST_SETTLE_MS = 10_000;

const connections = Number(process.argv[2] ?? 10_000);
const rounds = Number(process.argv[3] ?? 5);

/** The first one is what the other is held against. */
const kinds = {
  "bare REP loop": (address) => [`${root}bench/bare-json-serve.mjs`, address],
  "zmqecho, concurrency 64": (address) => {
    return [zmqecho, "serve", address, "--codec", "json", "--quiet", "--concurrency", "64"];
  },
};

/** In KiB what of a process is in memory, with those it started: a host's esbuild, which stays for the next edit. */
async function residentOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter(Boolean);
  const theirs = await Promise.all(children.map(residentOf));
  return theirs.reduce((sum, resident) => sum + resident, Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]));
}

async function settled(pid) {
  const until = performance.now() + LONGEST_SETTLE_MS;
  let resident = await residentOf(pid);
  for (;;) {
    await delay(SETTLE_MS);
    const now = await residentOf(pid);
    if (Math.abs(now - resident) < 8 || performance.now() > until) return now;
    resident = now;
  }
}

async function startPeers(address, count, server) {
  const stdio = ["ignore", "ignore", "pipe", "ipc"];
  const peers = watch(fork(`${root}bench/idle-peers.mjs`, [address, String(count)], { stdio }), "idle-peers.mjs");
  const through = once(peers.child, "message", { signal: AbortSignal.timeout(CONNECT_MS) });
  const failed = await Promise.race([through, peers.ended, server.ended]);
  if (failed instanceof Error) throw failed;
  return peers;
}

/** Milliseconds until a client that was not there before has its reply. */
async function timeToAnswer(address) {
  const from = performance.now();
  const socket = await connectTo(address);
  const took = performance.now() - from;
  socket.close();
  return took;
}

async function measure(args) {
  const address = await freeAddress();
  const server = startCommand([process.execPath, ...args(address)]);
  const { pid } = server.child;
  const started = [];
  try {
    await timeToAnswer(address);
    const before = await settled(pid);
    const shares = Array.from({ length: PEERS }, (_, index) => Math.floor((connections + index) / PEERS));
    started.push(...(await Promise.all(shares.map((count) => startPeers(address, count, server)))));
    const after = await settled(pid);
    const files = (await readdir(`/proc/${pid}/fd`)).length;
    if (files < connections) throw new Error(`of ${connections} connections the server has ${files} at most`);
    const answerMs = await timeToAnswer(address);
    for (const { child, ended } of started) if (child.exitCode !== null) throw await ended;
    return { before, after, answerMs };
  } finally {
    await Promise.all([...started, server].map(end));
  }
}

/** Tells in one line what the machine lacks for so many, if it does. */
async function lacking() {
  // Node has raised it to the hard limit, and so will the server's.
  const [, files] = /^Max open files\s+(\d+)/m.exec(await readFile("/proc/self/limits", "utf8"));
  const needed = connections + OTHER_FILES;
  if (Number(files) < needed) {
    return `${connections} connections need ${needed} open files in the server, and ${files} are allowed; raise ulimit -Hn, or ask for fewer`;
  }
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const [first, last] = range.split("\t").map(Number);
  if (last - first < needed) {
    return `${connections} connections need as many ports, and there are ${last - first}; widen net.ipv4.ip_local_port_range, or ask for fewer`;
  }
  return undefined;
}

const reason = await lacking();
if (reason !== undefined) {
  console.error(reason);
  process.exit(2);
}

const found = Object.entries(kinds).map(([kind, args]) => ({ kind, args, figures: [] }));
for (let round = 0; round < rounds; round++) {
  for (let turn = 0; turn < found.length; turn++) {
    const { args, figures } = found[(turn + round) % found.length];
    figures.push(await measure(args));
  }
}

console.log(
  `node ${process.version}, ${connections} idle connections, medians of ${rounds} rounds; ratios are medians of pairs, and should be at most ${TARGET} x`,
);
const mib = (kib) => (kib / 1024).toFixed(1).padStart(6);
const grown = ({ before, after }) => after - before;
const ratio = (figures, value) =>
  median(figures.map((figure, index) => value(figure) / value(found[0].figures[index]))).toFixed(2);
for (const { kind, figures } of found) {
  const middle = (value) => median(figures.map(value));
  const each = (middle(grown) / connections).toFixed(2);
  console.log(
    `${kind.padEnd(24)} ${mib(middle(({ before }) => before))} MiB before, ${mib(middle(({ after }) => after))} MiB with them: ${ratio(figures, ({ after }) => after)} x; grew by ${mib(middle(grown))} MiB, ${each} KiB each: ${ratio(figures, grown)} x; a newcomer's answer ${middle(({ answerMs }) => answerMs).toFixed(1)} ms`,
  );
}
