import { formatProblem, textOf, ZmqEchoError } from "../errors.ts";
import type { PluginFile, PluginProblem } from "./find.ts";

/** A plugin that does not load: `unavailable`. The message names files of this machine; it is for the log, not for callers. */
export class PluginError extends ZmqEchoError {
  readonly problem: PluginProblem;

  constructor(problem: PluginProblem, cause?: unknown) {
    super("unavailable", `plugin ${problem.name}: ${formatProblem(problem)}`, { cause });
    this.name = "PluginError";
    this.problem = problem;
  }

  /** Whatever was thrown on behalf of a plugin, with the place it came from, as far as that is known. */
  static of(
    error: unknown,
    { name, file }: PluginFile,
    place: Pick<PluginProblem, "file" | "line" | "column"> = {},
  ): PluginError {
    if (error instanceof PluginError) return error;
    return new PluginError({ name, file, ...place, message: textOf(error).replace(/\s*\n\s*/g, " ") }, error);
  }
}
