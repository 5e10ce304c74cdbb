import { defineConfig } from "vitest/config";
import { closingLine } from "./test/closing-line.ts";

/** What `npm test` leaves to .ci/run: clients in other languages, a report in a browser, Prometheus' own judgement, the package as it will be installed, and chaos. All run dist/. */
export default defineConfig({
  resolve: { alias: [{ find: /^zmqecho$/, replacement: new URL("dist/index.js", import.meta.url).pathname }] },
  test: {
    include: [
      "test/foreign/**/*.test.ts",
      "test/report/**/*.test.ts",
      "test/page/**/*.test.ts",
      "test/ops/**/*.test.ts",
      "test/package/**/*.test.ts",
      "test/chaos/**/*.test.ts",
      "test/hostile/**/*.test.ts",
      "test/faults/**/*.test.ts",
      "test/soak/**/*.test.ts",
    ],
    reporters: ["default", closingLine],
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
