/** How editors, scripts and deployments write files. */
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "./random.ts";

/** Writes a file in one way or another; for a moment it may be empty, or half of what it will be. */
export async function write(file: string, text: string, random: Random): Promise<void> {
  switch (random.pick(["rename", "in place", "in two steps"])) {
    case "rename": {
      const beside = hiddenBeside(file, "new");
      await writeFile(beside, text);
      await rename(beside, file);
      break;
    }
    case "in place":
      await writeFile(file, text);
      break;
    default: {
      const half = random.between(0, text.length);
      const handle = await open(file, "w");
      try {
        await handle.write(text.slice(0, half));
        await delay(random.between(0, 250));
        await handle.write(text.slice(half));
      } finally {
        await handle.close();
      }
    }
  }
}

/** Takes a file away, and gives what brings it back. */
export async function takeAway(file: string, random: Random): Promise<() => Promise<void>> {
  const aside = hiddenBeside(file, "aside");
  await rename(file, aside);
  if (random.chance(0.5)) return () => rename(aside, file);
  const text = await readFile(aside, "utf8");
  await rm(aside);
  return () => write(file, text, random);
}

/** In the same folder, under a name that is no plugin's. */
function hiddenBeside(file: string, what: string): string {
  return join(dirname(file), `.${basename(file)}.${what}`);
}
