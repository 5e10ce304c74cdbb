import { formatProblem, ZmqEchoError } from "../errors.ts";
import type { PluginProblem } from "./find.ts";

/** A plugin that does not load: `unavailable`. The message names files of this machine; it is for the log, not for callers. */
export class PluginError extends ZmqEchoError {
  readonly problem: PluginProblem;

  constructor(problem: PluginProblem, cause?: unknown) {
    super("unavailable", `plugin ${problem.name}: ${formatProblem(problem)}`, { cause });
    this.name = "PluginError";
    this.problem = problem;
  }
}
