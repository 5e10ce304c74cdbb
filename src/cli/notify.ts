/**
 * What systemd is told of a host that it runs as a service of `Type=notify`: sd_notify(3). Loaded only where `NOTIFY_SOCKET` is set.
 * Node can't write to a datagram socket of a path, so the program `systemd-notify` does, once for each message.
 */
import { type ExecFileException, execFile } from "node:child_process";
import { textOf } from "../errors.ts";
import type { Log } from "../handler.ts";
import { firstLine } from "../wording.ts";

/** What the environment says of who wants to be told. */
export interface NotifySettings {
  readonly socket: string;
  /** Within this long it wants a sign of life, again and again. */
  readonly watchdogMs?: number;
}

/** None of these methods waits or throws. What is told arrives in this order. */
export interface Supervisor {
  ready(): void;
  /** Tells of a reload from its begin to its end. Before `ready` and after `stopping` there is nothing to tell. */
  reloading(reload: Promise<void>): void;
  /** @param withinMs the longest it can take */
  stopping(withinMs: number): void;
}

/** Takes the variables out of this process's environment: workers and their children are not to speak for it. */
export function takeNotifySettings(env: NodeJS.ProcessEnv): NotifySettings | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog, WATCHDOG_PID: watched } = env;
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
  if (!socket) return undefined;
  const isWatched = watched === undefined || Number(watched) === process.pid;
  const watchdogMs = isWatched ? Number(watchdog) / 1000 : Number.NaN;
  return { socket, ...(watchdogMs > 0 && { watchdogMs }) };
}

/** A `systemd-notify` that hangs is given up. */
const LONGEST_MS = 10_000;

export function createSupervisor({ socket, watchdogMs }: NotifySettings, log: Log): Supervisor {
  let phase: "starting" | "running" | "stopping" = "starting";
  let reloads = 0;
  let waiting = 0;
  let isDeaf = false;
  let last: Promise<void> = Promise.resolve();

  function tell(...assignments: string[]): void {
    waiting++;
    last = last.then(async () => {
      if (!isDeaf) await send(assignments).catch(giveUp);
      waiting--;
    });
  }

  function send(assignments: readonly string[]): Promise<void> {
    const options = { env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket }, timeout: LONGEST_MS };
    return new Promise((resolve, reject) => {
      execFile("systemd-notify", assignments, options, (error, _, stderr) => {
        if (error === null) resolve();
        else reject(new Error(whyNot(error, stderr)));
      });
    });
  }

  function giveUp(error: unknown): void {
    isDeaf = true;
    log.warn(`can't tell systemd how this host is, and won't try again: ${textOf(error)}`);
  }

  function watch(): void {
    // One that is still on its way is sign enough; more would pile up.
    if (watchdogMs !== undefined)
      setInterval(() => {
        if (waiting === 0) tell("WATCHDOG=1");
      }, watchdogMs / 2).unref();
  }

  return {
    ready() {
      if (phase !== "starting") return;
      phase = "running";
      tell("READY=1", "STATUS=serving");
      watch();
    },
    reloading(reload) {
      if (phase !== "running") return;
      // systemd knows one reload at a time, as the host does.
      if (reloads++ === 0) tell("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, "STATUS=reloading");
      reload
        .then(
          () => "serving",
          () => "serving as before: what the last reload found can't be used, see the log",
        )
        .then((status) => {
          if (--reloads === 0 && phase === "running") tell("READY=1", `STATUS=${status}`);
        });
    },
    stopping(withinMs) {
      phase = "stopping";
      tell("STOPPING=1", `EXTEND_TIMEOUT_USEC=${withinMs * 1000}`, `STATUS=draining, for ${withinMs} ms at most`);
    },
  };
}

function whyNot(error: ExecFileException, stderr: string): string {
  if (error.code === "ENOENT") return "there is no systemd-notify on the PATH; it comes with systemd";
  if (error.killed) return `systemd-notify did not end within ${LONGEST_MS} ms`;
  return firstLine(stderr) || firstLine(error.message);
}
