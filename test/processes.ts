/** The command line as users have it: real child processes of the built `dist/bin.js`. `npm test` builds it first. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { folderWith } from "./config/folder.ts";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

export interface RunOptions {
  /** Default: an empty folder, so that no configuration is found. */
  readonly cwd?: string;
  /** Added to this process's environment, from which all `ZMQECHO_…` are taken away; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What is piped to standard input; by default nothing, and it ends at once. */
  readonly input?: string | Uint8Array;
  /** What sh runs instead, for pipes and redirections: `"$0" "$@"` in it is the command. */
  readonly shell?: string;
}

export interface Finished {
  /** Null if a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout, byte for byte. */
  readonly bytes: Buffer;
}

/** Runs `zmqecho ARGS…` to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { child, finished } = start(args, options);
  // A command that does not read its input may be gone before it is written.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  return finished;
}

export interface ServeOptions extends RunOptions {
  /** How many addresses to wait for. Default 1. */
  readonly addresses?: number;
}

export interface Served {
  /** In the order of the configuration, with real ports. */
  readonly addresses: readonly string[];
  readonly pid: number;
  /** What it has logged so far: JSON, a line each, unless told to be pretty. */
  log(): string;
  /** Resolves when the text is in the log. */
  logged(text: string): Promise<void>;
  /** Resolves when the text has been printed on stdout. */
  printed(text: string): Promise<void>;
  /** Goes away as the reader of the log. */
  hangUp(): void;
  /** Sends a signal (default SIGTERM) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
  /** Waits for an end that comes by itself. */
  readonly finished: Promise<Finished>;
}

/** Starts `zmqecho serve ARGS…` and waits until its log says that it listens. It is killed when the test is over. */
export async function serve(args: readonly string[] = [], options: ServeOptions = {}): Promise<Served> {
  const { child, finished, output } = start(["serve", ...args], options);
  const wanted = options.addresses ?? 1;
  const addresses = await new Promise<string[]>((resolve, reject) => {
    const look = () => {
      const found = [...output.stderr().matchAll(/(?:"msg":"| INFO {2})(?:listening on|connecting to) ([^"\s]+)/g)];
      if (found.length >= wanted) resolve(found.map(([, address = ""]) => address));
    };
    child.stderr.on("data", look);
    finished.then(
      ({ code, stderr }) => reject(new Error(`serve ended with ${code} before it listened:\n${stderr}`)),
      reject,
    );
  });
  return {
    addresses,
    pid: child.pid ?? 0,
    log: output.stderr,
    logged: (text) => until(child.stderr, () => output.stderr().includes(text)),
    printed: (text) => until(child.stdout, () => output.stdout().includes(text)),
    finished,
    hangUp: () => void child.stderr.destroy(),
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return finished;
    },
  };
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
  readonly output: { stdout(): string; stderr(): string };
}

/** Starts `zmqecho ARGS…` and waits for nothing. It is killed when the test is over. */
export function start(args: readonly string[], { cwd, env, shell }: RunOptions = {}): Started {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("ZMQECHO_"));
  const command = [process.execPath, BIN, ...args] as const;
  const [program, ...words] = shell === undefined ? command : (["sh", "-c", shell, ...command] as const);
  const child = spawn(program, words, {
    cwd: cwd ?? folderWith({}),
    env: { ...Object.fromEntries(own), ...env },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString();
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout: text(stdout), stderr: text(stderr), bytes: Buffer.concat(stdout) }),
    );
  });
  return { child, finished, output: { stdout: () => text(stdout), stderr: () => text(stderr) } };
}

/** Looks at each chunk that comes; the collectors of {@link start} have seen it before. */
function until(stream: NodeJS.ReadableStream, seen: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!seen()) return;
      stream.off("data", look);
      resolve();
    };
    stream.on("data", look);
    look();
  });
}
