import { expect, onTestFinished, test } from "vitest";
import { preloads } from "../../src/runtime/link/preloads.ts";

const FLAGS = ["--import", "./otel.mjs", "--inspect", "--require=./a.cjs", "-r", "b", "--max-old-space-size=100"];

/** What an SDK of any copy of the API leaves behind when it registers. */
function pretendSdk(): void {
  const where = Symbol.for("opentelemetry.js.api.1");
  Reflect.set(globalThis, where, { version: "1.9.1", trace: {} });
  onTestFinished(() => void Reflect.deleteProperty(globalThis, where));
}

test("workers of a process that is traced load first what it has", () => {
  pretendSdk();
  expect(preloads(FLAGS)).toEqual(["--import", "./otel.mjs", "--require=./a.cjs", "-r", "b"]);
});

test("workers of a process that is not load nothing first", () => {
  expect(preloads(FLAGS)).toEqual([]);
});
