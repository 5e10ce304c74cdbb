/** From a JSON list of versions on standard input: the newest of each major given, and the newest of all, a line each. */
import { json } from "node:stream/consumers";

const majors = process.argv.slice(2).map(Number);
const releases = (await json(process.stdin))
  .filter((version) => /^\d+\.\d+\.\d+$/.test(version))
  .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
const newest = (major) => releases.findLast((version) => Number.parseInt(version, 10) === major);
const found = [...majors.map(newest), releases.at(-1)];
if (found.includes(undefined)) throw new Error(`no release of ${majors.join(", ")} among ${releases.length}`);
console.log([...new Set(found)].join("\n"));
