import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Ends the output with one plain line that a script can look for, and a person too: `12 passed, 0 failed, 0 skipped`. */
export const closingLine: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], strays: readonly SerializedError[]) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    // A file that does not load, and an error outside of any test, fail the run without a test that failed.
    const unloaded = modules.filter((module) => module.errors().length > 0).length;
    const failed = count("failed") + unloaded + strays.length;
    process.stdout.write(`${count("passed")} passed, ${failed} failed, ${count("skipped")} skipped\n`);
  },
};
