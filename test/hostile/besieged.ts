/** A host under attack: a real child process, real clients beside the attackers, and what it takes of memory and files before and after. */
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { ConfigInput } from "../../src/config/schema.ts";
import { type Footprint, footprintOf } from "../chaos/system.ts";
import { folderWith } from "../config/folder.ts";
import { type Served, serve } from "../processes.ts";
import { sendCustomers, type Served as WellServed } from "./customers.ts";

const MOST_LEFT_MB = 50;
const MOST_LEFT_FDS = 10;
const RECOVERY_MS = 10_000;
const WARM_UP_MS = 2000;
const GUESTS = 40;
const LOOK_MS = 100;

const PLUGINS = {
  "plugins/big.mjs": "export default (bytes) => Buffer.alloc(Number(bytes), 7);",
  "plugins/busy.mjs":
    "export default () => { for (const end = performance.now() + 2; performance.now() < end; ); return 1; };",
  "plugins/slow.mjs": "export default () => new Promise((resolve) => setTimeout(resolve, 10, 1));",
};

export interface Besieged {
  readonly host: Served;
  /** Where `big` takes a count of bytes as text. */
  readonly big: string;
  /** Where all is served by name: `echo`, `busy` (2 ms of computing), `slow` (10 ms of waiting). */
  readonly byName: string;
  readonly before: Footprint;
  /** The largest that it was so far. */
  peak(): Footprint;
}

export interface Outcome {
  readonly before: Footprint;
  readonly peak: Footprint;
  readonly after: Footprint;
  readonly customers: WellServed;
}

export interface SiegeOptions {
  readonly limits?: ConfigInput["limits"];
  readonly http?: ConfigInput["http"];
  /** What sh runs before the host, such as `ulimit -n 200`. */
  readonly first?: string;
}

/**
 * Runs an attack while real clients ask, and waits until the host is as small again as it was: within 50 MB and 10 files, in ten
 * seconds. Prints what it saw.
 */
export async function besiege(
  attack: (besieged: Besieged) => Promise<string>,
  { limits = {}, http, first = ":" }: SiegeOptions = {},
): Promise<Outcome> {
  const config: ConfigInput = {
    limits,
    ...(http && { http }),
    endpoints: {
      byName: { bind: "tcp://127.0.0.1:*", handlers: ["*"], concurrency: 8 },
      big: { bind: "tcp://127.0.0.1:*", handler: "big", codec: "raw", concurrency: 64 },
    },
  };
  const host = await serve([], {
    cwd: folderWith({ ...PLUGINS, "zmqecho.config.json": JSON.stringify(config) }),
    addresses: 2,
    // glibc keeps what is freed otherwise: docs/operations.md.
    env: { MALLOC_TRIM_THRESHOLD_: "131072" },
    shell: `${first}; exec "$0" "$@"`,
  });
  const [byName = "", big = ""] = host.addresses;

  // A host that has served is larger than one that has just begun.
  const guests = sendCustomers(byName, GUESTS);
  await delay(WARM_UP_MS);
  await guests.leave();
  const before = lookAt(host.pid);
  let peak = before;
  const look = setInterval(() => {
    const now = lookAt(host.pid);
    peak = {
      fds: Math.max(peak.fds, now.fds),
      threads: Math.max(peak.threads, now.threads),
      rssMb: Math.max(peak.rssMb, now.rssMb),
    };
  }, LOOK_MS);

  const customers = sendCustomers(byName);
  let done: string;
  let served: WellServed;
  try {
    done = await attack({ host, big, byName, before, peak: () => peak });
  } finally {
    served = await customers.leave();
    clearInterval(look);
  }
  const after = await recovered(host.pid, before);
  const { asked, longestMs } = served;
  console.log(
    `${expect.getState().currentTestName}: ${done}; ${asked} calls of others, the longest ${longestMs} ms; ` +
      `RSS ${before.rssMb} -> ${peak.rssMb} -> ${after.rssMb} MB, files ${before.fds} -> ${peak.fds} -> ${after.fds}`,
  );
  expect(served.instead, "what real clients got instead of their replies").toEqual({});
  expect(after.rssMb - before.rssMb, "MB more than before").toBeLessThanOrEqual(MOST_LEFT_MB);
  expect(after.fds - before.fds, "files more than before").toBeLessThanOrEqual(MOST_LEFT_FDS);
  expect(after.threads, "threads").toBeLessThanOrEqual(before.threads);
  expect((await host.stop()).code).toBe(0);
  return { before, peak, after, customers: served };
}

/** As soon as it is small again, or when its time is over. */
async function recovered(pid: number, before: Footprint): Promise<Footprint> {
  const until = performance.now() + RECOVERY_MS;
  for (;;) {
    const now = lookAt(pid);
    const isSmall = now.rssMb - before.rssMb <= MOST_LEFT_MB && now.fds - before.fds <= MOST_LEFT_FDS;
    if (isSmall || performance.now() > until) return now;
    await delay(LOOK_MS);
  }
}

function lookAt(pid: number): Footprint {
  const seen = footprintOf(pid);
  if (seen === undefined) throw new Error("the host has ended");
  return seen;
}
