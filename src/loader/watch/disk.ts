/** What is on disk just now, for folders whose events don't tell all. Nothing here throws: what was there may be gone. */
import { lstatSync, readdirSync, readFileSync, type Stats, statfsSync } from "node:fs";
import { join } from "node:path";

/** Whatever is directly in a folder, where otherwise a name is. */
export const ANY = "";

/** File systems that others change without an event here, by statfs(2). FUSE is sshfs, virtiofs, Docker Desktop too. */
const SHARED = new Map([
  [0x6969, "NFS"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x01021997, "9P"],
  [0x65735546, "FUSE"],
  [0x786f4256, "vboxsf"],
  [0x00c36400, "Ceph"],
]);

/** The kind of file system a folder is on, if it is one without events for all changes. */
export function fileSystemWithoutEvents(folder: string): string | undefined {
  return SHARED.get(attempt(() => statfsSync(folder).type, 0));
}

/** Inodes are given out again, by ext4 at once, so the time of creation counts too. */
export function identityOf(facts: Stats | undefined): string {
  return facts === undefined ? "" : `${facts.dev} ${facts.ino} ${facts.birthtimeMs}`;
}

/** What is in a folder under these names. Of folders in it only that they are there: what is in them is not its own. */
export function listingOf(folder: string, names: ReadonlySet<string>): string {
  const items = names.has(ANY) ? attempt(() => readdirSync(folder), []) : [...names];
  const lines = items.map((name) => {
    const facts = factsAt(join(folder, name));
    const state = facts?.isDirectory() ? "" : `${facts?.size} ${facts?.mtimeMs} ${facts?.ctimeMs}`;
    return `${name} ${identityOf(facts)} ${state}`;
  });
  return lines.sort().join("\n");
}

/** By proc(5); none on other systems. */
export function mountPoints(): string[] {
  const text = attempt(() => readFileSync("/proc/self/mountinfo", "utf8"), "");
  const points = [...text.matchAll(/^(?:\S+ ){4}(\S+)/gm)].map(([, point = ""]) => point);
  return points.map((point) =>
    point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
  );
}

export function factsAt(path: string): Stats | undefined {
  return attempt(() => lstatSync(path, { throwIfNoEntry: false }), undefined);
}

/** What was there a moment ago may be gone, and more may be out of reach. */
export function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
