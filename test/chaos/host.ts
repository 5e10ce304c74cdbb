/** The host under test: a child process of the built command, its log, and what the system knows of it. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { createLogReader, type LogReader } from "./log.ts";
import { endProcess, processesWith } from "./system.ts";

const BIN = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));

/** In the environment of the host and all that it starts, and nowhere else. */
const MARK = "ZMQECHO_CHAOS_RUN";

export interface ServedHost {
  readonly pid: number;
  readonly log: LogReader;
  signal(name: NodeJS.Signals): void;
  /** `exit 0`, `SIGABRT`; resolves when it has ended and all that it wrote has been read. */
  readonly ended: Promise<string>;
  /** What lives of the host and of whatever it has started, children of children too. */
  family(): readonly number[];
}

/**
 * Starts `zmqecho serve` and waits until it listens at so many addresses.
 * @param onStrange told of lines in its log that nobody expected
 */
export async function startHost(
  folder: string,
  addresses: number,
  onStrange: (line: string) => void,
): Promise<ServedHost> {
  const run = randomUUID();
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ZMQECHO_"));
  const child = spawn(process.execPath, [BIN, "serve"], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), [MARK]: run },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const family = () => processesWith(`${MARK}=${run}`);
  onTestFinished(() => {
    for (const pid of family()) endProcess(pid);
  });
  // Handlers print, and a pipe that nobody reads would hold them up.
  child.stdout.resume();
  const log = createLogReader(onStrange, process.env.CHAOS_LOG);
  createInterface({ input: child.stderr }).on("line", log.read);
  const ended = new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve(signal ?? `exit ${code}`);
    });
  });
  const early = ended.then((how) => {
    throw new Error(`the host ended with ${how} before it listened:\n${log.last(50)}`);
  });
  await Promise.race([log.count("listening on", addresses), early]);
  early.catch(() => {});
  return {
    pid: child.pid ?? 0,
    log,
    signal: (name) => void child.kill(name),
    ended,
    family,
  };
}
