/** What may lie where a file is expected. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename } from "node:path";
import { onTestFinished } from "vitest";

type Put = (path: string) => void | Promise<void>;

/** Each puts something where nothing is. */
export const ODD: Readonly<Record<string, Put>> = {
  "a folder": (path) => void mkdirSync(path),
  "a pipe": (path) => void execFileSync("mkfifo", [path]),
  "a socket": putSocket,
  "a device without end": (path) => symlinkSync("/dev/zero", path),
  "a link to nothing": (path) => symlinkSync("nowhere", path),
  "a link to itself": (path) => symlinkSync(basename(path), path),
  ...(process.getuid?.() !== 0 && {
    "a file that may not be read": (path: string) => {
      writeFileSync(path, "");
      chmodSync(path, 0);
    },
  }),
};

/** In place of what is there. */
export async function replaceBy(path: string, put: Put | undefined): Promise<void> {
  rmSync(path, { recursive: true, force: true });
  await put?.(path);
}

async function putSocket(path: string): Promise<void> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
}
