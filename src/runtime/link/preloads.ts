/** What workers load first, because their host has. */
import { isTraced } from "../../tracing/api.ts";

const FLAGS = ["--import", "--require", "-r", "--loader", "--experimental-loader"];

/**
 * Of this process's own flags those that load modules, if it is traced: the SDK is among them, and a worker that has it makes
 * spans too. Else none, so that a worker starts as fast as it can. What `NODE_OPTIONS` has reaches workers anyway.
 */
export function preloads(given: readonly string[] = process.execArgv): string[] {
  if (!isTraced()) return [];
  return given.flatMap((argument, index) => {
    if (FLAGS.includes(argument)) return [argument, given[index + 1] ?? ""];
    return FLAGS.some((flag) => argument.startsWith(`${flag}=`)) ? [argument] : [];
  });
}
