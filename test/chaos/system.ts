/** What Linux knows of processes, by proc(5). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Footprint {
  readonly fds: number;
  readonly threads: number;
  readonly rssMb: number;
}

/** Undefined when it has ended. */
export function footprintOf(pid: number): Footprint | undefined {
  return attempt(() => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
    return {
      fds: readdirSync(`/proc/${pid}/fd`).length,
      threads: readdirSync(`/proc/${pid}/task`).length,
      rssMb: Math.round(Number(kilobytes) / 1024),
    };
  });
}

/** Those that have this in their environment, whoever is their parent by now. */
export function processesWith(variable: string): number[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = all.filter((pid) =>
    attempt(() => readFileSync(`/proc/${pid}/environ`, "utf8"))
      ?.split("\0")
      .includes(variable),
  );
  return found.map(Number);
}

/** What it runs, as it was started. */
export function commandOf(pid: number): string {
  return (
    attempt(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"))
      ?.replaceAll("\0", " ")
      .trim() ?? "gone"
  );
}

/** How many files it has open of each kind: `socket`, `pipe`, a path. */
export function openFilesOf(pid: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
    const kind = attempt(() => readlinkSync(`/proc/${pid}/fd/${name}`))?.replace(/:\[\d+\]$/, "") ?? "gone";
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

export function endProcess(pid: number): void {
  attempt(() => process.kill(pid, "SIGKILL"));
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
