/** How many files this process may still open. Each connection takes one, and libzmq says nothing when there are none left. */
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import type { Log } from "./handler.ts";

/** The most that it may have open; infinity where there is no such limit. Opens none itself to find out. */
export function fileLimit(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const most = userLimits?.open_files?.soft;
  return typeof most === "number" ? most : Number.POSITIVE_INFINITY;
}

/** Whether so many more can be opened at this moment. */
export function canOpen(count: number): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync(devNull, "r"));
    return true;
  } catch (error) {
    return !isOutOfFiles(error);
  } finally {
    opened.forEach(closeSync);
  }
}

/** Whether something failed since no more files can be opened, by this process or by all. */
export function isOutOfFiles(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === "EMFILE" || code === "ENFILE";
}

const LOOK_MS = 1000;
/** Fewer are free for a moment whenever somebody leaves. */
const ENOUGH = 8;

/** Looks once a second whether files can be opened, and tells when that changes. Keeps no process alive. @param onBack called when some can be again */
export function watchFiles(log: Log, onBack: () => void): { close(): void } {
  let isOut = false;
  const looking = setInterval(() => {
    if (isOut ? !canOpen(ENOUGH) : canOpen(1)) return;
    isOut = !isOut;
    if (isOut) {
      const most = fileLimit();
      const limit = Number.isFinite(most) ? ` (this process may have ${most})` : "";
      log.warn(`no more files can be opened${limit}, so nobody can connect; raise ulimit -n`);
    } else {
      log.info("files can be opened again");
      onBack();
    }
  }, LOOK_MS).unref();
  return { close: () => clearInterval(looking) };
}
