/** esbuild, whose work is done in a child process. One that was killed, as for the memory it took, is replaced when it is needed next. */

type Esbuild = typeof import("esbuild");

/** How often it was replaced: of several builds that fail together only the first one stops what is no more. */
let replaced = 0;

/** Does something by esbuild, which by itself goes on asking a process that has ended. */
export async function byEsbuild<Result>(work: (esbuild: Esbuild) => Promise<Result>): Promise<Result> {
  const esbuild = await import("esbuild");
  const before = replaced;
  try {
    return await work(esbuild);
  } catch (error) {
    if (!isGone(error)) throw error;
    if (replaced === before) {
      replaced++;
      await esbuild.stop();
    }
    return await work(esbuild);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && /^The service (?:was stopped|is no longer running)/.test(error.message);
}
