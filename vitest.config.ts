import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { closingLine } from "./test/closing-line.ts";

// These need a packed tarball, programs in other languages, a browser, or a minute: vitest.acceptance.config.ts has them.
const ELSEWHERE = ["foreign", "report", "page", "ops", "package", "chaos", "hostile", "faults", "soak"].map(
  (room) => `test/${room}/**`,
);

// These look at what a process has loaded, or change what Node gives, or what OpenTelemetry has one of for a process.
const APART = [
  "test/config/lazy.test.ts",
  "test/loader/watch.test.ts",
  "test/tracing/spans.test.ts",
  "test/transports/collect.test.ts",
];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^zmqecho$/, replacement: new URL("src/index.ts", import.meta.url).pathname },
      { find: /^zmqecho\/testing$/, replacement: new URL("src/testing.ts", import.meta.url).pathname },
    ],
  },
  test: {
    projects: [
      // One process runs many files: to load the packages for each anew took as long as the tests themselves.
      {
        extends: true,
        test: { name: "together", isolate: false, include: ["test/**/*.test.ts"], exclude: [...ELSEWHERE, ...APART] },
      },
      { extends: true, test: { name: "apart", include: APART } },
    ],
    reporters: ["default", closingLine],
    // Much of the time goes into waiting for child processes; one worker on two cores would take twice as long.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    retry: 0,
    testTimeout: 15_000,
  },
});
