/** What both measurements share: child processes, free ports, medians. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

export const root = new URL("..", import.meta.url).pathname;
export const zmqecho = `${root}dist/bin.js`;

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
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

/** Node running a script in a folder; its output is dropped unless it fails. */
export function start(args, cwd = root) {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
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
