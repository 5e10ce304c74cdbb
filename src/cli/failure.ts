/** How commands end when they do not end well. main.ts alone prints errors and sets the exit code. */
import { ConfigError, exitCodeOf, formatProblem, ZmqEchoError } from "../errors.ts";
import { fileLimit, isOutOfFiles } from "../files.ts";
import { printable, printableLine } from "../printable.ts";

/** An exit code other than its cause would give, such as 1 for a server that can't bind; without a cause all is said. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, cause?: unknown) {
    super("", { cause });
    this.exitCode = exitCode;
  }
}

/** A command line that can't be used; exit code 2. */
export function usageError(message: string): ConfigError {
  return new ConfigError([{ message }]);
}

/** With fewer not even the modules of a host can be read, and Node has other words for it. */
const FEWEST_FILES = 64;

/** What to print on stderr, and the exit code: 2 usage or config, 64 + gRPC's number for a call that failed, 1 a bug. Fit for a terminal, whoever wrote the text. */
export function describeFailure(error: unknown): { readonly lines: readonly string[]; readonly exitCode: number } {
  if (error instanceof CommandFailure) {
    const { lines } = error.cause === undefined ? { lines: [] } : describeFailure(error.cause);
    return { lines, exitCode: error.exitCode };
  }
  if (error instanceof ConfigError)
    return { lines: error.problems.map((problem) => printable(formatProblem(problem))), exitCode: 2 };
  if (ZmqEchoError.is(error)) {
    const details = Object.keys(error.details).length === 0 ? "" : ` ${JSON.stringify(error.details)}`;
    return { lines: [printableLine(`${error.code}: ${error.message}${details}`)], exitCode: exitCodeOf(error.code) };
  }
  const files = fileLimit();
  if (isOutOfFiles(error) || files < FEWEST_FILES)
    return {
      lines: [`too many open files: this process may open ${files}; raise that limit (ulimit -n)`],
      exitCode: 1,
    };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { lines: [`this is a bug in zmqecho; please report it:\n${printable(stack)}`], exitCode: 1 };
}
