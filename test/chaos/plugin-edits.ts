/** Edits of a plugin's file, and of what it imports. */
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Desk, Edits } from "./editor.ts";
import type { Probe, Seen } from "./probe.ts";
import type { Presence, Slot } from "./served.ts";
import type { PluginName } from "./site.ts";
import { takeAway, write } from "./writing.ts";

export function pluginEdits(plugin: PluginName, { site, probe, random, pause }: Desk): Edits {
  const file = join(site.folder, `plugins/${plugin}.ts`);
  const library = join(site.folder, "plugins/lib");
  const source = readFileSync(file, "utf8");
  const editions = site.editions[plugin];
  const slots = site.slots.filter((slot) => slot.plugin === plugin);

  async function mend(): Promise<void> {
    const edition = editions.next();
    await write(file, sourceOf(source, edition), random);
    await Promise.all(slots.map((slot) => untilServed(probe, slot, (answer) => Number(answer.v) >= edition)));
  }

  async function breakIt(): Promise<void> {
    await write(file, brokenSource(source, editions.nextBroken(), random.pick(WAYS_TO_BREAK)), random);
    await pause(0, 800);
    await mend();
  }

  async function giveItsNameAway(): Promise<void> {
    const second = file.replace(/\.ts$/, ".mjs");
    await writeFile(second, `export default () => "chaos: the second of ${plugin}";`);
    await pause(0, 500);
    await rm(second);
    await mend();
  }

  /** Of all plugins; each goes on as it was. */
  async function takeTheLibrary(): Promise<void> {
    const bringBack = await takeAway(join(library, random.pick(["acts.ts", "ask.ts"])), random);
    await pause(0, 500);
    await bringBack();
    await mend();
  }

  async function editData(): Promise<void> {
    const edition = site.data.next();
    await write(join(library, "data.json"), `{ "edition": ${edition} }\n`, random);
    await Promise.all(slots.map((slot) => untilServed(probe, slot, (answer) => Number(answer.d) >= edition)));
  }

  async function breakData(): Promise<void> {
    await write(join(library, "data.json"), `{ "edition": ${site.data.nextBroken()} `, random);
    await pause(0, 500);
    await editData();
  }

  async function remove(): Promise<void> {
    begin("served", ...WHEN_BACK);
    await takeAway(file, random);
    await pause(0, 400);
    if (random.chance(0.5)) {
      await Promise.all(
        slots.map(async (slot) => {
          await probe.until(slot, "json", ({ code }) => code === "not_found");
          slot.presence.begin("missing");
        }),
      );
      await pause(0, 300);
      begin("served", ...WHEN_BACK);
    }
    await mend();
    begin("served");
  }

  function begin(...states: Presence[]): void {
    for (const { presence } of slots) presence.begin(...states);
  }

  const always: Edits = {
    edit: { weight: 3, edit: mend },
    break: { weight: 3, edit: breakIt },
    "a second file of its name": { weight: 1, edit: giveItsNameAway },
  };
  switch (plugin) {
    case "mixed":
      return {
        ...always,
        "its data": { weight: 1, edit: editData },
        "break its data": { weight: 1, edit: breakData },
        "take the library away": { weight: 1, edit: takeTheLibrary },
      };
    case "fresh":
      return { ...always, remove: { weight: 6, edit: remove } };
    default:
      return always;
  }
}

/** From then on no earlier editions may come. */
export async function untilServed(
  probe: Probe,
  slot: Slot,
  accepts: (answer: Seen["answer"]) => boolean,
): Promise<void> {
  const { answer } = await probe.until(slot, "json", (seen) => seen.code === "ok" && accepts(seen.answer));
  for (const [name, floor] of Object.entries(slot.floors)) floor.saw(Number(answer[name]));
}

export function sourceOf(source: string, edition: number): string {
  return source.replace("const EDITION = 1;", `const EDITION = ${edition};`);
}

/** One that was gone is new, so half of it is a plugin that does not load. */
const WHEN_BACK: readonly Presence[] = ["missing", "broken"];

export const WAYS_TO_BREAK = [
  "syntax",
  "throws",
  "no handler",
  "missing import",
  "setup throws",
  "setup rejects",
] as const;

export function brokenSource(source: string, edition: number, way: (typeof WAYS_TO_BREAK)[number]): string {
  const text = sourceOf(source, edition);
  const withSetup = (setup: string): string => text.replace("setup: () => ({ calls: 0 }),", setup);
  switch (way) {
    case "syntax":
      return `${text}\nexport const more = {{;\n`;
    case "throws":
      return `${text}\nthrow new Error("chaos: at its top");\n`;
    case "no handler":
      return text.replace("export default", "export const other =");
    case "missing import":
      return `import "./lib/nowhere.ts";\n${text}`;
    case "setup throws":
      return withSetup('setup: () => { throw new Error("chaos: in setup"); },');
    default:
      return withSetup('setup: () => Promise.reject(new Error("chaos: in setup")),');
  }
}
