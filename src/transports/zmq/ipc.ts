/**
 * Hygiene that libzmq leaves out: it binds over a live socket and over a plain file, never removes its own, and leaves
 * the permissions to the umask, which belongs to the whole process.
 *
 * So a socket is bound in a private folder beside its place, gets its mode there, and then a hard link at its place,
 * which the system refuses if anything is there already.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ZmqEchoError } from "../../errors.ts";

/** A lock is held for microseconds; one this old is of a process that died within them. */
const LONGEST_LOCK_MS = 1000;
const LOCK_PAUSE_MS = 5;

/** Which file is ours, so that one that took its place is left alone. */
export interface BoundFile {
  /** Absolute. */
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

/** Resolves, or returns, when the socket is bound at this path. */
type Bind = (path: string) => void | Promise<void>;

/**
 * Binds a socket at `path` with these permissions, in place of one that nobody serves any more. `bind` gets the path to
 * bind at, which is another. Of several that want one path at the same moment, in any processes, one gets it.
 * Throws `already_exists` for a live socket and for whatever is no socket, `failed_precondition` where the file system
 * has no hard links, and what `bind` and the file system throw.
 */
export async function bindFile(path: string, mode: number, bind: Bind): Promise<BoundFile> {
  const absolute = resolve(path);
  // 0700 whatever the umask, and new: nobody else reaches what is in it, and nothing of others is overwritten.
  const folder = mkdtempSync(join(dirname(absolute), `.${basename(absolute)}-`));
  try {
    const socket = await bindIn(folder, bind);
    chmodSync(socket, mode);
    const { dev, ino } = lstatSync(socket);
    while (!put(socket, path)) await clearStale(path);
    const file = { path: absolute, dev, ino };
    bound.add(file);
    return file;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The files of all hosts of this process, for an end that comes without a stop. */
const bound = new Set<BoundFile>();
process.on("exit", () => bound.forEach(removeOwn));

/** Removes our socket file if it is still the one we made. Exact only while the socket is open: then no other file has its inode. */
export function removeOwn(file: BoundFile): void {
  bound.delete(file);
  try {
    const found = lstatSync(file.path);
    if (found.dev === file.dev && found.ino === file.ino) unlinkSync(file.path);
  } catch {
    // Gone already, or out of our reach: the next host that binds here clears it.
  }
}

async function bindIn(folder: string, bind: Bind): Promise<string> {
  const socket = join(folder, "s");
  try {
    await bind(socket);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENAMETOOLONG" || !existsSync("/proc/self/fd")) throw error;
    // The folder's name took the place that the socket's own needs; Linux has a short one for every open folder.
    const descriptor = openSync(folder, "r");
    try {
      await bind(`/proc/self/fd/${descriptor}/s`);
    } finally {
      closeSync(descriptor);
    }
  }
  return socket;
}

/** False if something is at `path` already. */
function put(socket: string, path: string): boolean {
  try {
    linkSync(socket, path);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code)) throw error;
    const why =
      "a hard link can't be made in its folder, and a socket needs one to be put there safely; bind elsewhere";
    throw new ZmqEchoError("failed_precondition", `ipc://${path}: ${why}`, { cause: error });
  }
}

/** Removes a socket that nobody serves any more. Done or not, the place may be had or another's by then. */
async function clearStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw taken(path, "a file that is no socket is there; move it or bind elsewhere");
  if (await isServed(path)) throw taken(path, "another process serves this socket; stop it or bind elsewhere");
  const lock = join(dirname(path), `.${basename(path)}.lock`);
  if (!(await lockOnce(lock))) return;
  try {
    // Another host may have replaced it since we looked, even with the same inode. While we hold the lock none does.
    const now = lstatSync(path, { throwIfNoEntry: false });
    if (now?.ino === found.ino && now.mtimeMs === found.mtimeMs) unlinkSync(path);
  } finally {
    unlock(lock);
  }
}

/** False, after a moment, if another host holds the lock. */
async function lockOnce(lock: string): Promise<boolean> {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const held = lstatSync(lock, { throwIfNoEntry: false });
  if (held !== undefined && Math.abs(Date.now() - held.mtimeMs) > LONGEST_LOCK_MS) unlock(lock);
  else await setTimeout(LOCK_PAUSE_MS);
  return false;
}

function unlock(lock: string): void {
  try {
    rmdirSync(lock);
  } catch (error) {
    // Another host took it for a dead one's.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function taken(path: string, why: string): ZmqEchoError {
  return new ZmqEchoError("already_exists", `ipc://${path}: ${why}`);
}

/** Only a refused connection proves that nobody serves the socket. */
function isServed(path: string): Promise<boolean> {
  return new Promise((settle) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      settle(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) =>
      settle(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
