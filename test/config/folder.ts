import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { ConfigError, formatProblem } from "../../src/errors.ts";

/** A folder of its own for one test, with these files. A package.json keeps the search from climbing out of it. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "zmqecho-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries({ "package.json": "{}", ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Each problem of what should be a ConfigError on a line of its own, with the folder cut away. */
export async function problemsOf(promise: Promise<unknown>, folder: string): Promise<string[]> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError)) throw new Error("no ConfigError", { cause: error });
  return error.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));
}

/** The problems of one config file. */
export async function problemsIn(content: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const folder = folderWith({ "zmqecho.config.json": content });
  const problems = await problemsOf(loadConfig({ cwd: folder, env }), folder);
  return problems.map((problem) => problem.replace("zmqecho.config.json:", ""));
}
