import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: [
      { find: /^zmqecho$/, replacement: new URL("src/index.ts", import.meta.url).pathname },
      { find: /^zmqecho\/testing$/, replacement: new URL("src/testing.ts", import.meta.url).pathname },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    retry: 0,
    testTimeout: 15_000,
  },
});
