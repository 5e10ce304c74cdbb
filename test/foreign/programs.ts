/** Programs in other languages as child processes, for one test each. */
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

export const here = new URL(".", import.meta.url).pathname;
export const root = new URL("../..", import.meta.url).pathname;

/** Debian's own: its packages are not for another Python that may come first on the PATH. */
export const PYTHON = "/usr/bin/python3";

const TIMEOUT_MS = 50_000;

export interface ProgramOptions {
  /** Where modules of protoc's lie. */
  readonly modules?: string;
}

function environment({ modules }: ProgramOptions): NodeJS.ProcessEnv {
  const { PATH = "", HOME = "/" } = process.env;
  return { PATH, HOME, PYTHONDONTWRITEBYTECODE: "1", ...(modules !== undefined && { PYTHONPATH: modules }) };
}

/** Runs a program to its end and gives what it printed. Rejects, with all it said, if it fails. */
export async function run(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, {
    cwd: here,
    timeout: TIMEOUT_MS,
    env: environment(options),
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

/** Runs a script beside this file to its end. */
export function python(script: string, ...args: readonly string[]): Promise<string> {
  return run(PYTHON, [here + script, ...args]);
}

/** Builds a C program with all warnings as errors. @param libraries as the linker has them, such as `zmq` */
export async function build(source: string, output: string, libraries: readonly string[] = ["zmq"]): Promise<void> {
  const flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror"];
  await run("gcc", [...flags, "-o", output, source, ...libraries.map((name) => `-l${name}`)]);
}

/** Starts a script beside this file and gives the words of its first line. It is killed when the test is over. */
export function startPython(script: string, args: readonly string[], options: ProgramOptions = {}): Promise<string[]> {
  return start(PYTHON, [here + script, ...args], options);
}

/** The same of any program. */
export function start(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<string[]> {
  const child = spawn(file, args, { cwd: here, env: environment(options) });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      const [line, rest] = stdout.split("\n");
      if (line !== undefined && rest !== undefined) resolve(line.split(" "));
    });
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`${file} ended with ${code}:\n${stderr}`)));
  });
}
