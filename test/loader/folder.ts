import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder with these files (`{ link }` is a symbolic link), gone when the test is over. */
export async function createFolder(files: Record<string, string | { link: string }> = {}): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "zmqecho-loader-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFiles(folder, files);
  return folder;
}

export async function writeFiles(folder: string, files: Record<string, string | { link: string }>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await (typeof content === "string" ? writeFile(file, content) : symlink(content.link, file));
  }
}
