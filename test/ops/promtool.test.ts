/** Debian's promtool on what we tell Prometheus, and on what we tell people to give it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { scrape } from "../http/scrape.ts";
import { livelyHost } from "./lively.ts";

const examples = fileURLToPath(new URL("../../examples/monitoring", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** Exit code, and all that it says. */
function promtool(args: readonly string[], cwd: string, input = ""): Promise<{ code: unknown; said: string }> {
  return new Promise((resolve) => {
    const child = execFile("promtool", args, { cwd }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    );
    child.stdin?.end(input);
  });
}

test("it has nothing to say of the metrics of a host that had traffic of all kinds", async () => {
  const { httpUrl } = await livelyHost();
  const { text, samples } = await scrape(httpUrl);
  expect(samples.size).toBeGreaterThan(100);
  expect(await promtool(["check", "metrics"], here, text)).toEqual({ code: 0, said: "" });
});

test("it takes the alerts, and the configuration that names them", async () => {
  const rules = await promtool(["check", "rules", "alerts.yml"], examples);
  expect(rules).toEqual({ code: 0, said: expect.stringContaining("SUCCESS: 12 rules found") });
  const config = await promtool(["check", "config", "prometheus.yml"], examples);
  expect(config).toEqual({ code: 0, said: expect.stringContaining("SUCCESS: 1 rule files found") });
});

test("each alert comes when it should, and none on a good day", async () => {
  expect(await promtool(["test", "rules", "alerts.test.yml"], here)).toEqual({
    code: 0,
    said: expect.stringContaining("SUCCESS"),
  });
});
