/** What this process takes of the machine, by the names that all Prometheus clients give it. */
import { readdir } from "node:fs/promises";

export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly memory: NodeJS.MemoryUsage;
  /** Seconds since 1970. */
  readonly startedAt: number;
  /** Undefined where there is no `/proc`. */
  readonly openFiles: number | undefined;
}

const startedAt = Math.round(Date.now() - process.uptime() * 1000) / 1000;

export async function readProcess(): Promise<ProcessFigures> {
  const { user, system } = process.cpuUsage();
  // One of them is the look itself.
  const openFiles = await readdir("/proc/self/fd").then(
    ({ length }) => length - 1,
    () => undefined,
  );
  return { cpuSeconds: (user + system) / 1e6, memory: process.memoryUsage(), startedAt, openFiles };
}
