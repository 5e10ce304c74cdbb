/**
 * Sees to it that no child process outlives this one, however this one ends. A child that idles ends by itself when its
 * pipe closes; one that loops has to be killed, and after `kill -9` of this process somebody else has to do it.
 */
import { type ChildProcess, spawn } from "node:child_process";

const children = new Set<ChildProcess>();

/** Kills the child when this process ends. */
export function killWithHost(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (children.size === 0) process.on("exit", killAll);
  children.add(child);
  watch();
  child.once("exit", () => {
    children.delete(child);
    watch();
    if (children.size === 0) process.off("exit", killAll);
  });
}

function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
}

/**
 * Reads the ids of the living, all of them on each line. When its input ends, this process has ended, and it kills
 * those of the last line. A thread in each child could watch too, but takes 10 MB; this takes a third of one for all.
 */
const WATCH = 'trap "" INT TERM HUP; while read -r line; do pids=$line; done; [ -z "$pids" ] || kill -9 $pids';

let watcher: ReturnType<typeof startWatcher> | undefined;

function watch(): void {
  try {
    watcher ??= startWatcher();
    watcher.stdin.write(`${[...children].map(({ pid }) => pid).join(" ")}\n`);
    if (children.size > 0) return;
    watcher.stdin.end();
    watcher = undefined;
  } catch {
    // No process can be started just now; the next change of the list is the next attempt.
  }
}

function startWatcher() {
  const started = spawn("/bin/sh", ["-c", WATCH, "zmqecho-watch"], { stdio: ["pipe", "ignore", "ignore"] });
  // Where there is no shell, a child that loops while this process is killed is left behind.
  started.on("error", () => {});
  started.stdin.on("error", () => {});
  started.unref();
  const { stdin } = started;
  if ("unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return started;
}
