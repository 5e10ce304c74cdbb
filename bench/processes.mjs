/** The processes of a measurement: none outlives it, and one that ends too early is told of with what it said. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { root } from "./figures.mjs";

/** What a process that was asked to end may take before it is made to. */
const END_MS = 3_000;

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/** Gives it with `ended`, an error that names it, for whoever waits for something else of it. */
export function watch(child, title) {
  running.add(child);
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  const ended = once(child, "exit").then(([code, signal]) => {
    running.delete(child);
    return new Error(`${title} ended with ${code ?? signal}: ${stderr}`);
  });
  return { child, ended };
}

/** A command with its arguments; a program that is asked something gets "pipe" for what it reads and writes. */
export function startCommand([command, ...args], stdio = "ignore") {
  const child = spawn(command, args, { cwd: root, stdio: [stdio, stdio, "pipe"] });
  return watch(child, `${command} ${args.join(" ")}`);
}

export async function end({ child, ended }) {
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(timer);
}
