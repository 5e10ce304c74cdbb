/** What the hosts of these tests serve, and what is seen of their processes from outside. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { folderWith } from "../config/folder.ts";

/** A folder with a configuration and plugins, by their files' names. */
export function siteWith(config: object, plugins: Readonly<Record<string, string>> = {}): string {
  return folderWith({
    "zmqecho.config.json": JSON.stringify(config),
    ...Object.fromEntries(Object.entries(plugins).map(([name, code]) => [`plugins/${name}`, code])),
  });
}

/** Children of a process, as /proc has them. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The most memory that a process ever had, in MiB. */
export function peakMemoryOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** For what nobody tells of. */
export async function until(holds: () => boolean, withinMs = 30_000): Promise<void> {
  const limit = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`not within ${withinMs} ms: ${holds}`);
    await delay(20);
  }
}

/** Asks again and again; a call that fails is no answer. */
export async function untilAnswer(ask: () => Promise<unknown>, wanted: unknown, withinMs = 30_000): Promise<void> {
  const limit = performance.now() + withinMs;
  for (;;) {
    const answer = await ask().catch((error: unknown) => error);
    if (answer === wanted) return;
    if (performance.now() > limit) throw new Error(`not within ${withinMs} ms: ${wanted}, but ${answer}`);
    await delay(20);
  }
}

/** What a test measured, for the tables of docs/reliability.md. */
export function figures(text: string): void {
  process.stdout.write(`${text}\n`);
}
