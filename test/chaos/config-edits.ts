/** Edits of the configuration. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Desk, Edits } from "./editor.ts";
import { untilServed } from "./plugin-edits.ts";
import { PATIENCE_MS } from "./probe.ts";
import type { Slot } from "./served.ts";
import { takeAway, write } from "./writing.ts";

/** In which a client that was connected before finds the new socket. */
const RECONNECTED_MS = 700;

export function configEdits({ site, probe, random, pause, hangUp }: Desk): Edits {
  const { settings, configFile, options } = site;
  const mover = site.endpoint("mover");
  const socket = join(site.folder, "mover.sock");

  async function save(): Promise<void> {
    await write(configFile, site.configText(), random);
    if (random.chance(0.2)) hangUp();
  }

  /** Each edit has a number somewhere, by which it is seen that it counts. */
  async function renumber(most = 3): Promise<void> {
    const some = Array.from({ length: random.between(1, most) }, () => random.pick(site.slots));
    const slots = [...new Set(some)].filter(({ name }) => name in settings.options);
    const sign = site.slot(random.pick(["mixed-inline", "stray-inline", "fresh-inline"]));
    const all = [...new Set([...slots, sign])];
    for (const { name } of all) settings.options[name] = options[name]?.next() ?? 0;
    await save();
    await Promise.all(all.map(untilCounts));
  }

  async function untilCounts(slot: Slot): Promise<void> {
    const edition = settings.options[slot.name] ?? 0;
    // A plugin that is away for now takes its handlers along.
    await untilServed(probe, slot, (answer) => Number(answer.c) >= edition);
  }

  async function resize(): Promise<void> {
    settings.concurrency = random.between(8, 32);
    settings.queue = random.between(16, 96);
    if (settings.mover !== undefined) settings.mover.concurrency = random.between(2, 8);
    await renumber(1);
  }

  /** On the socket that it has: nobody notices. */
  async function serveAnother(): Promise<void> {
    if (settings.mover !== undefined)
      settings.mover.handler = random.pick(["mixed-inline", "mixed-thread", "mixed-process"]);
    await renumber(1);
  }

  async function move(): Promise<void> {
    if (settings.mover === undefined) return;
    mover.state.begin("moving");
    settings.mover.ipcMode = settings.mover.ipcMode === "0700" ? "0750" : "0700";
    const mode = Number.parseInt(settings.mover.ipcMode, 8);
    await renumber(1);
    await until(() => modeOf(socket) === mode);
    await isBack();
  }

  async function closeAndOpen(): Promise<void> {
    const { mover: before } = settings;
    mover.state.begin("moving");
    settings.mover = undefined;
    await renumber(1);
    // Half of the time the old one still answers what had reached it when the new one is wanted.
    if (random.chance(0.5)) await until(() => modeOf(socket) === undefined);
    await pause(0, 500);
    settings.mover = before;
    await renumber(1);
    await isBack();
  }

  async function isBack(): Promise<void> {
    await probe.untilAnswers(`ipc://${socket}`);
    await pause(RECONNECTED_MS, RECONNECTED_MS);
    mover.state.begin("open");
  }

  async function breakIt(): Promise<void> {
    const sign = site.slot("mixed-inline");
    const good = settings.options[sign.name] ?? 0;
    settings.options[sign.name] = options[sign.name]?.nextBroken() ?? 0;
    const text = site.configText();
    settings.options[sign.name] = good;
    const ways = [
      text.slice(0, random.between(0, text.length - 2)),
      text.replace('"endpoints"', '"endpoint"'),
      text.replace('"handler": "mixed-inline"', '"handler": "nobody"'),
      text.replace('"isolation": "thread"', '"isolation": "thraed"'),
      text.replace('"shop.Order"', '"shop.Nothing"'),
      text.replace('"ipc://./all.sock"', '"tcp://192.0.2.1:5999"'),
      "",
    ];
    await write(configFile, random.pick(ways), random);
    await pause(0, 600);
    await renumber();
  }

  async function remove(): Promise<void> {
    const bringBack = await takeAway(configFile, random);
    await pause(0, 500);
    await bringBack();
    await renumber();
  }

  return {
    options: { weight: 2, edit: renumber },
    "places and queues": { weight: 1, edit: resize },
    "another handler": { weight: 1, edit: serveAnother },
    "move an endpoint": { weight: 1, edit: move },
    "close an endpoint and open it": { weight: 1, edit: closeAndOpen },
    break: { weight: 2, edit: breakIt },
    remove: { weight: 1, edit: remove },
  };
}

function modeOf(file: string): number | undefined {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  return mode === undefined ? undefined : mode & 0o777;
}

async function until(seen: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!seen()) {
    if (performance.now() > end) throw new Error("the endpoint's socket is still as it was");
    await delay(20);
  }
}
