/**
 * Hygiene that libzmq leaves out: it binds over a live socket and over a plain file, never removes its own, and leaves
 * the permissions to the umask.
 */
import { chmod, lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { ZmqEchoError } from "../../errors.ts";

/** Removes a socket that nobody serves any more. Throws `already_exists` for a live one and for whatever is no socket. */
export async function clearStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new ZmqEchoError("failed_precondition", `ipc://${path}: ${error.message}`, { cause: error });
  });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new ZmqEchoError(
      "already_exists",
      `ipc://${path}: a file that is no socket is there; move it or bind elsewhere`,
    );
  }
  if (await isServed(path)) {
    throw new ZmqEchoError(
      "already_exists",
      `ipc://${path}: another process serves this socket; stop it or bind elsewhere`,
    );
  }
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

/** Runs `bind` so that the socket is nobody else's from its first moment, then gives it its mode. */
export async function bindPrivately(path: string, mode: number, bind: () => Promise<void>): Promise<BoundFile> {
  const before = process.umask(0o077);
  try {
    await bind();
  } finally {
    process.umask(before);
  }
  await chmod(path, mode);
  const { dev, ino } = await lstat(path);
  return { path, dev, ino };
}

/** Which file is ours, so that one that took its place is left alone. */
export interface BoundFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

/** Removes our socket file if it is still the one we made. */
export async function removeOwn(bound: BoundFile): Promise<void> {
  const found = await lstat(bound.path).catch(() => undefined);
  if (found?.dev === bound.dev && found.ino === bound.ino) await unlink(bound.path).catch(() => undefined);
}

/** Only a refused connection proves that nobody serves the socket. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
