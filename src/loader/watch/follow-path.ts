/** The way that a path leads, folder by folder. */
import { readlinkSync, type Stats } from "node:fs";
import { dirname, join, parse, sep } from "node:path";
import { attempt } from "./disk.ts";

/** As many as Linux follows. */
const MOST_LINKS = 40;

/**
 * Goes along a path, over links too. `pass` is given each folder on the way with the name that follows, and says what
 * is there. Returns the folder at the end, by its real path; undefined if there is none.
 */
export function follow(path: string, pass: (folder: string, name: string) => Stats | undefined): string | undefined {
  let folder = parse(path).root;
  let links = 0;
  const ahead = path.slice(folder.length).split(sep);
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      folder = dirname(folder);
      continue;
    }
    const here = join(folder, name);
    const facts = pass(folder, name);
    if (facts?.isDirectory()) {
      folder = here;
      continue;
    }
    const target = facts?.isSymbolicLink() ? attempt(() => readlinkSync(here), undefined) : undefined;
    if (target === undefined || ++links > MOST_LINKS) return undefined;
    const { root } = parse(target);
    if (root !== "") folder = root;
    ahead.unshift(...target.slice(root.length).split(sep));
  }
  return folder;
}
