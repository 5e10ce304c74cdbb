/** Plugins that are new each time: broken at first, then mended, then gone. */
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ISOLATIONS } from "../../src/handler.ts";
import type { Desk, Edits } from "./editor.ts";
import { brokenSource, sourceOf, untilServed, WAYS_TO_BREAK } from "./plugin-edits.ts";
import { createEditions, createFloor, createPhases, type Presence, type Slot } from "./served.ts";
import { timeoutOf } from "./site.ts";
import { write } from "./writing.ts";

export function youngEdits({ site, probe, random, pause }: Desk): Edits {
  const model = readFileSync(join(site.folder, "plugins/fresh.ts"), "utf8");
  let count = 0;

  async function live(): Promise<void> {
    const name = `young${++count}`;
    const file = join(site.folder, `plugins/${name}.ts`);
    const isolation = random.pick(ISOLATIONS);
    const own = `isolation: "${isolation}",\n  timeoutMs: ${timeoutOf(isolation)},\n  setup: `;
    const source = model.replace("setup: ", own);
    const editions = createEditions();
    const presence = createPhases<Presence>("missing");
    const floors = { v: createFloor(editions) };
    const slot: Slot = { name, plugin: name, isolation, isStray: false, presence, floors };
    site.slots.push(slot);

    presence.begin("missing", "broken");
    await write(file, brokenSource(source, editions.nextBroken(), random.pick(WAYS_TO_BREAK)), random);
    await probe.until(slot, "json", ({ code }) => code === "unavailable");
    presence.begin("broken");
    await pause(0, 500);

    presence.begin("broken", "served");
    const edition = editions.next();
    await write(file, sourceOf(source, edition), random);
    await untilServed(probe, slot, (answer) => Number(answer.v) >= edition);
    presence.begin("served");
    await pause(200, 1000);

    presence.begin("served", "missing");
    await rm(file);
    await probe.until(slot, "json", ({ code }) => code === "not_found");
    presence.begin("missing");
    await pause(0, 300);
    site.slots.splice(site.slots.indexOf(slot), 1);
  }

  return { "a life": { weight: 1, edit: live } };
}
