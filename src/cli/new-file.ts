/** Files that commands make for people: never in the place of one that is there. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { textOf, ZmqEchoError } from "../errors.ts";
import { usageError } from "./failure.ts";

/**
 * Throws `already_exists`, or a usage error for a place that can't be written to.
 * @param mode its permissions, before the umask
 */
export async function writeNewFile(file: string, content: string, mode = 0o666): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { flag: "wx", mode });
  } catch (error) {
    // A folder of that name, or a file where a folder should be, is mkdir's EEXIST too.
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw alreadyThere([path ?? file]);
    throw usageError(`can't make ${file}: ${textOf(error)}`);
  }
}

export function alreadyThere(files: readonly string[]): ZmqEchoError {
  const what = files.length === 1 ? "is there already" : "are there already";
  return new ZmqEchoError("already_exists", `${files.join(", ")} ${what}; nothing is overwritten`);
}
