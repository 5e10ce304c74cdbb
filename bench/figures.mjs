/** What the measurements share: child processes and their processor time, free ports, clients, medians. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { Request } from "zeromq";

export const root = new URL("..", import.meta.url).pathname;
export const zmqecho = `${root}dist/bin.js`;

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that so many of a hundred are not above. */
export function percentile(values, hundredths) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * hundredths) / 100) - 1];
}

/** A tcp address nobody listens on. */
export async function freeAddress() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `tcp://127.0.0.1:${port}`;
}

/** Node running a script in a folder, with so much added to its environment; its output is dropped unless it fails. */
export function start(args, cwd = root, env = {}) {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, "exit").then(([code]) => ({ code, stderr }));
  return { child, ended };
}

/** Milliseconds until a process has ended. Throws if it failed. */
export async function timeToEnd(args, cwd) {
  const from = performance.now();
  const { code, stderr } = await start(args, cwd).ended;
  const took = performance.now() - from;
  if (code !== 0) throw new Error(`node ${args.join(" ")} ended with ${code}: ${stderr}`);
  return took;
}

/** Asks a process started with `start` to end, and waits for it. */
export async function stop({ child, ended }) {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await ended;
}

/** Nanoseconds of processor time of all threads so far. Linux only: it is read from /proc. */
export async function cpuTime(pid) {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = threads.map(async (thread) => {
    const [onCpu] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8")).split(" ");
    return Number(onCpu);
  });
  return (await Promise.all(times)).reduce((sum, time) => sum + time, 0);
}

/** What servers of JSON are asked to echo. */
export const jsonBody = JSON.stringify({ id: 1234567, name: "Ada King Lovelace", total: 99.95, open: true });

/** A REQ socket of a server that has echoed once. */
export async function connectTo(address) {
  const socket = new Request({ linger: 0, receiveTimeout: 20_000 });
  socket.connect(address);
  await socket.send(jsonBody);
  const [reply] = await socket.receive();
  if (reply.toString() !== jsonBody) throw new Error(`not an echo: ${reply}`);
  return socket;
}

/** Sends so many requests over all sockets together, over each one after the other. */
export async function drive(sockets, requests) {
  await Promise.all(
    sockets.map(async (socket) => {
      for (let left = requests / sockets.length; left > 0; left--) {
        await socket.send(jsonBody);
        await socket.receive();
      }
    }),
  );
}
