import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { closingLine } from "./test/closing-line.ts";

export default defineConfig({
  resolve: {
    alias: [
      { find: /^zmqecho$/, replacement: new URL("src/index.ts", import.meta.url).pathname },
      { find: /^zmqecho\/testing$/, replacement: new URL("src/testing.ts", import.meta.url).pathname },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // These need a packed tarball, programs in other languages, a browser, or a minute: vitest.acceptance.config.ts has them.
    exclude: ["test/foreign/**", "test/report/**", "test/package/**", "test/chaos/**"],
    reporters: ["default", closingLine],
    // Much of the time goes into waiting for child processes; one worker on two cores would take twice as long.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    retry: 0,
    testTimeout: 15_000,
  },
});
