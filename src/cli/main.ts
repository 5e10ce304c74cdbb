/** The command line's beginning and end: the one place that prints errors and sets the exit code. */
import { CommanderError } from "commander";
import { COMPLETE } from "./completion-scripts.ts";
import { describeFailure } from "./failure.ts";
import { program } from "./program.ts";

/** Runs one command. Never rejects; sets `process.exitCode`. */
export async function main(args: readonly string[]): Promise<void> {
  surviveLostOutput();
  if (args[0] === COMPLETE) {
    const { complete } = await import("./complete.ts");
    return complete(args.slice(1));
  }
  try {
    await program().parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed it: help and version end well, all else is a matter of usage.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const { lines, exitCode } = describeFailure(error);
    process.exitCode = exitCode;
    for (const line of lines) process.stderr.write(`zmqecho: ${line}\n`);
  }
}

/** Output that nobody takes is lost, and no command ends in a stack for it. `send` and `serve` have more to say to that. */
function surviveLostOutput(): void {
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
  let told = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as `head`, is no failure.
    if (told || error.code === "EPIPE") return;
    told = true;
    process.stderr.write(`zmqecho: can't write to standard output: ${error.message}\n`);
    process.exitCode = 1;
  });
}
