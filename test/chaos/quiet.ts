/** Moments in which nothing is asked and nothing edited: then the host must be as small as it was, and count right. */
import { setTimeout as delay } from "node:timers/promises";
import type { ServedHost } from "./host.ts";
import type { Ledger } from "./ledger.ts";
import type { HostNumbers, Probe } from "./probe.ts";
import { commandOf, type Footprint, footprintOf, openFilesOf } from "./system.ts";

export interface Quiet {
  /** Waits until the host has come to rest, and compares. The first time it is only measured. */
  look(): Promise<void>;
  report(edits: Readonly<Record<string, number>>): string;
}

/** How long idle workers may live on, and closed connections stay open. */
const RESTED_MS = 15_000;
/** The host's own threads come when they are first needed, and one or the other file is just being read. */
const MORE_FDS = 3;
const MORE_THREADS = 4;

interface Measured extends Footprint {
  readonly asked: number;
  readonly processes: number;
  readonly lostWorkers: number;
  readonly reloads: HostNumbers["reloads"];
}

export function createQuiet({ host, probe, ledger }: { host: ServedHost; probe: Probe; ledger: Ledger }): Quiet {
  const rows: Measured[] = [];
  let files: Readonly<Record<string, number>> = {};

  async function look(): Promise<void> {
    const end = performance.now() + RESTED_MS;
    let faults: string[];
    do {
      await delay(200);
      const numbers = await probe.numbers();
      const row = measure(numbers);
      faults = [...unrest(numbers), ...growth(row), ...miscounts(numbers)];
      if (faults.length > 0) continue;
      if (rows.push(row) === 1) files = openFilesOf(host.pid);
      return;
    } while (performance.now() < end);
    for (const text of faults) ledger.fault(`at a quiet point ${text}`);
  }

  function measure({ handlers, reloads }: HostNumbers): Measured {
    const footprint = footprintOf(host.pid);
    if (footprint === undefined) throw new Error("the host has gone");
    const lostWorkers = Object.values(handlers).reduce((sum, { workers }) => sum + (workers?.lost ?? 0), 0);
    return { ...footprint, asked: ledger.counts.asked, processes: host.family().length, lostWorkers, reloads };
  }

  function unrest({ endpoints, handlers }: HostNumbers): string[] {
    const busy = Object.entries(endpoints).filter(
      ([name, { inFlight, queued }]) => inFlight + queued > (name === "probe" ? 1 : 0),
    );
    const alive = Object.entries(handlers).filter(
      ([, { workers, inFlight }]) => inFlight > 0 || (workers?.live ?? 0) > 0,
    );
    return [
      ...busy.map(([name, numbers]) => `endpoint ${name} is busy: ${JSON.stringify(numbers)}`),
      ...alive.map(([name, numbers]) => `handler ${name} is alive: ${JSON.stringify(numbers)}`),
    ];
  }

  function growth({ fds, threads, processes }: Measured): string[] {
    const [first] = rows;
    if (first === undefined) return [];
    const found: string[] = [];
    if (fds > first.fds + MORE_FDS) {
      const more = Object.entries(openFilesOf(host.pid)).map(
        ([kind, count]) => `${kind} ${count - (files[kind] ?? 0)}`,
      );
      found.push(
        `the host has ${fds} files open instead of ${first.fds}, more of ${more.filter((text) => !text.endsWith(" 0")).join(", ")}`,
      );
    }
    if (threads > first.threads + MORE_THREADS)
      found.push(`the host has ${threads} threads instead of ${first.threads}`);
    if (processes > first.processes) {
      found.push(
        `there are ${processes} processes instead of ${first.processes}: ${host.family().map(commandOf).join(", ")}`,
      );
    }
    return found;
  }

  /** Where nobody leaves early, and nothing is moved, the host has counted what its clients have. */
  function miscounts({ endpoints }: HostNumbers): string[] {
    const steady = Object.entries(endpoints).filter(([name]) => !["probe", "all", "mover"].includes(name));
    return steady.flatMap(([name, { codes, droppedReplies }]) => {
      const replies = Object.values(codes).reduce((sum, count) => sum + count, 0);
      const got = ledger.counts.endpoints[name] ?? 0;
      return [
        ...(replies === got ? [] : [`endpoint ${name} counts ${replies} replies, and its clients got ${got}`]),
        ...(droppedReplies === 0 ? [] : [`endpoint ${name} dropped ${droppedReplies} replies`]),
      ];
    });
  }

  function report(edits: Readonly<Record<string, number>>): string {
    const { asked, replied, lostInMoves, codes, mostLateMs } = ledger.counts;
    const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, one) => all + one, 0);
    return [
      `${asked} requests, ${replied} replies, ${lostInMoves} lost in moves; at most ${mostLateMs} ms after a deadline`,
      `codes: ${pairs(codes)}`,
      `${sum(edits)} edits: ${pairs(edits)}`,
      `log: ${pairs(Object.fromEntries(host.log.kinds))}`,
      ...rows.map(({ reloads, ...row }) => `quiet: ${pairs(row)}, reloads ${reloads.done} + ${reloads.failed} failed`),
    ].join("\n");
  }

  return { look, report };
}

function pairs(counts: object): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
