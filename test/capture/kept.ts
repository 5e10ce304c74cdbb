/** What a host has kept of failed requests, as it is on the disk. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Entry, loadRecording, type Recording } from "../../src/recording/format.ts";

export interface Kept extends Recording {
  readonly file: string;
}

/** The recordings of a folder, the oldest first; none if there is no such folder. */
export async function recordingsIn(dir: string): Promise<Kept[]> {
  const names = existsSync(dir) ? readdirSync(dir).sort() : [];
  return Promise.all(
    names
      .filter((name) => name.startsWith("capture-"))
      .map(async (name) => ({ file: join(dir, name), ...(await loadRecording(join(dir, name))) })),
  );
}

export async function entriesIn(dir: string): Promise<Entry[]> {
  return (await recordingsIn(dir)).flatMap(({ entries }) => entries);
}

/** Each request as one text. */
export async function requestsIn(dir: string): Promise<string[]> {
  return (await entriesIn(dir)).map(({ request }) => request.map(String).join(" "));
}

export function bytesIn(dir: string): number {
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}
