/** Whether files are still what they were when they were read, without reading them again. */
import { stat } from "node:fs/promises";

/** Facts about files at one moment, by path. */
export type Stamps = ReadonlyMap<string, string>;

/** No stamp of a file equals it, not even itself. */
const UNSURE = "";

/**
 * Stamps files that were read since `readFrom` (`Date.now()`). One that changed about then may have been read in an
 * earlier state, so it counts as changed at the next look.
 */
export async function stampFiles(files: Iterable<string>, readFrom: number): Promise<Stamps> {
  const stamps = [...new Set(files)].map(async (file): Promise<[string, string]> => {
    const found = await look(file);
    const isFresh = found !== undefined && found.changedMs >= readFrom - CLOCK_STEP_MS;
    return [file, isFresh ? UNSURE : (found?.text ?? GONE)];
  });
  return new Map(await Promise.all(stamps));
}

/** Whether all of the files are as they were stamped. */
export async function areUnchanged(stamps: Stamps): Promise<boolean> {
  for (const [file, stamp] of stamps) {
    if (stamp === UNSURE || ((await look(file))?.text ?? GONE) !== stamp) return false;
  }
  return true;
}

/** File systems tell the time in steps of a few milliseconds. */
const CLOCK_STEP_MS = 20;
const GONE = "gone";

async function look(file: string): Promise<{ readonly text: string; readonly changedMs: number } | undefined> {
  const facts = await stat(file, { bigint: true }).catch(() => undefined);
  if (facts === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = facts;
  return { text: [dev, ino, size, mtimeNs, ctimeNs].join(":"), changedMs: Number(ctimeNs / 1_000_000n) };
}
