/** How `serve` ends: at a signal, in order if that can be, and in any case. */

/** The first of the signals that ask for an end; a second one ends the process at once. SIGHUP is one if a terminal hung up, else a wish to reload. */
export function firstSignal(onReload: () => void): Promise<string> {
  const hangsUp = process.stdin.isTTY === true;
  if (!hangsUp) process.on("SIGHUP", onReload);
  return new Promise((resolveSignal) => {
    const numbers = { SIGINT: 2, SIGTERM: 15, ...(hangsUp && { SIGHUP: 1 }) } as const;
    let asked = false;
    for (const [signal, number] of Object.entries(numbers)) {
      process.on(signal, () => {
        if (asked) exitNow(128 + number);
        asked = true;
        resolveSignal(signal);
      });
    }
  });
}

/** @param onLate called before the process ends as it is, after so long */
export function endWithin(ms: number, onLate: () => void): void {
  const end = (): void => {
    onLate();
    exitNow();
  };
  setTimeout(end, ms).unref();
}

/** For what is left to run once all sockets are closed. */
const LAST_MOMENT_MS = 100;

/** The process ends by itself when nothing is left to do; this is for what a plugin left running. */
export function exitSoon(patienceMs = Number.POSITIVE_INFINITY): void {
  const left = patienceMs - LAST_MOMENT_MS;
  setTimeout(() => (isWaiting() && left > 0 ? exitSoon(left) : exitNow()), LAST_MOMENT_MS).unref();
}

function exitNow(code = process.exitCode): void {
  process.once("exit", () => {
    if (isWaiting()) process.kill(process.pid, "SIGKILL");
  });
  process.exit(code);
}

/**
 * Whether a thread of Node's own waits for a file or a name. An exit waits for it, and it may wait for ever: for who writes to a pipe,
 * or for a share that is gone. Nothing but a kill ends that.
 */
function isWaiting(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(?:FSReq|GetAddrInfo|GetNameInfo)/.test(name));
}
