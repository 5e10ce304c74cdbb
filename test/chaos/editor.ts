/** Edits what the host serves from, in several places at once, and sees to it that each edit counts. */
import { setTimeout as delay } from "node:timers/promises";
import { configEdits } from "./config-edits.ts";
import { pluginEdits } from "./plugin-edits.ts";
import type { Probe } from "./probe.ts";
import type { Random } from "./random.ts";
import { schemaEdits } from "./schema-edits.ts";
import { PLUGINS, type Site } from "./site.ts";
import { youngEdits } from "./young-edits.ts";

/** What an edit needs. */
export interface Desk {
  readonly site: Site;
  readonly probe: Probe;
  readonly random: Random;
  /** Waits for some time. */
  pause(least: number, most: number): Promise<void>;
  /** Asks the host to look at the disk, as whoever trusts no watcher would. */
  hangUp(): void;
}

/** By name; each leaves everything as it should be, and resolves when the host serves it. */
export type Edits = Readonly<Record<string, { readonly weight: number; readonly edit: () => Promise<void> }>>;

export interface Editor {
  /** Edits until the returned function is called, which resolves when all is as it should be. */
  start(): () => Promise<void>;
  readonly counts: Readonly<Record<string, number>>;
  /** The last edits, for whoever looks for a cause. */
  last(): string;
}

const REST_MS = [50, 400] as const;
const KEPT_EDITS = 15;

export function createEditor(
  site: Site,
  probe: Probe,
  random: Random,
  { hangUp, fault }: { readonly hangUp: () => void; readonly fault: (text: string) => void },
): Editor {
  const counts: Record<string, number> = {};
  const history: string[] = [];
  const startedAt = performance.now();

  function desk(name: string): Desk {
    const own = random.fork(name);
    return { site, probe, random: own, hangUp, pause: (least, most) => delay(own.between(least, most)) };
  }

  const lanes = new Map<string, Edits>([
    ...PLUGINS.map((plugin): [string, Edits] => [plugin, pluginEdits(plugin, desk(plugin))]),
    ["young", youngEdits(desk("young"))],
    ["schema", schemaEdits(desk("schema"))],
    ["configuration", configEdits(desk("configuration"))],
  ]);

  async function run(lane: string, edits: Edits, isOver: () => boolean): Promise<void> {
    const own = random.fork(`order of ${lane}`);
    const weights = Object.fromEntries(Object.entries(edits).map(([name, { weight }]) => [name, weight]));
    while (!isOver()) {
      const name = own.weighted(weights);
      const what = `${lane}: ${name}`;
      const from = performance.now();
      try {
        await edits[name]?.edit();
      } catch (error) {
        fault(`the edit "${what}" does not count: ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
      counts[what] = (counts[what] ?? 0) + 1;
      history.push(`${((from - startedAt) / 1000).toFixed(2)} s ${what}, ${Math.round(performance.now() - from)} ms`);
      if (history.length > KEPT_EDITS) history.shift();
      await delay(own.between(...REST_MS));
    }
  }

  return {
    start() {
      let isOver = false;
      const running = [...lanes].map(([name, edits]) => run(name, edits, () => isOver));
      return async () => {
        isOver = true;
        await Promise.all(running);
      };
    },
    counts,
    last: () => history.join("\n"),
  };
}
