import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ZmqEchoError } from "../../src/errors.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, deadAddress, startHost } from "../hosts.ts";
import { run, serve, start } from "../processes.ts";

async function echo(codec: string = "raw"): Promise<string> {
  return addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT, codec, concurrency: 16 } } }), "e");
}

async function failing(code: "aborted" | "not_found", everyNth = 1): Promise<string> {
  let seen = 0;
  const no = () => {
    if (++seen % everyNth === 0) throw new ZmqEchoError(code, "not today");
    return "";
  };
  return addressOf(await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "no" } } }, { no }), "e");
}

const LATENCY = Object.fromEntries(
  ["min", "mean", "p50", "p75", "p90", "p99", "p99.9", "p99.99", "max"].map((name) => [name, expect.any(Number)]),
);

test("prints figures for people, and nothing on stderr", async () => {
  const { code, stdout, stderr } = await run(["bench", await echo(), "hi", "--requests", "50"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(
    /^tcp:\S+ \(raw, 2 bytes\): closed loop, 1 connection × 1 in flight\n\nsucceeded {3}50 {2}\S+ a second/,
  );
  for (const part of ["failed", "p99.99", "latency", "throughput"]) expect(stdout).toContain(part);
});

test("-o json prints one document", async () => {
  const address = await echo("json");
  const args = ["bench", address, "[1]", "--codec", "json", "--rate", "500", "--requests", "50", "--connections", "2"];
  const { code, stdout, stderr } = await run([...args, "--check", "--fail-if", "errors>0", "-o", "json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    zmqecho: expect.any(String),
    startedAt: expect.any(String),
    target: { addresses: [address], handler: null, codec: "json", bodies: { count: 1, meanBytes: 3 } },
    load: {
      loop: "open",
      connections: 2,
      inFlight: 128,
      rate: 500,
      durationMs: null,
      requests: 50,
      warmupMs: 0,
      timeoutMs: 10_000,
      check: true,
      batch: true,
    },
    interrupted: false,
    elapsedMs: expect.any(Number),
    ok: 50,
    failed: 0,
    notSent: 0,
    unanswered: 0,
    generatorBusy: null,
    errorRate: 0,
    rps: expect.any(Number),
    warmup: { ok: 0, failed: 0 },
    errors: [],
    latencyMs: LATENCY,
    serviceMs: LATENCY,
    percentiles: expect.arrayContaining([{ percentile: 90, ms: expect.any(Number) }]),
    distribution: expect.arrayContaining([expect.objectContaining({ fromMs: expect.any(Number) })]),
    intervals: expect.arrayContaining([expect.objectContaining({ fromMs: 0, ok: expect.any(Number) })]),
    conditions: [{ condition: "errors>0", failed: false, measured: "0" }],
  });
});

test("runs for as long as it is told, after a warm-up", async () => {
  const { stdout } = await run(["bench", await echo(), "--duration", "300ms", "--warmup", "0.1", "-o", "json"]);
  const { elapsedMs, warmup, load, intervals } = JSON.parse(stdout);
  expect(load).toMatchObject({ durationMs: 300, warmupMs: 100, requests: null });
  expect(elapsedMs).toBeGreaterThanOrEqual(300);
  expect(warmup.ok).toBeGreaterThan(0);
  expect(intervals.length).toBeGreaterThanOrEqual(2);
});

test("calls a handler by name, as the configuration has it", async () => {
  const folder = folderWith({
    "zmqecho.config.json": JSON.stringify({
      plugins: ["./plugins"],
      endpoints: { all: { bind: "ipc://all.sock", handlers: ["*"] } },
    }),
    "plugins/who.mjs": "export default (input, { metadata }) => metadata.who === 'me' ? input : null.x;",
  });
  const host = await serve([], { cwd: folder });
  const args = [
    "bench",
    "--handler",
    "who",
    "-d",
    "{}",
    "-H",
    "who=me",
    "--codec",
    "cbor",
    "--requests",
    "5",
    "--no-batch",
  ];
  const { code, stdout } = await run([...args, "-o", "json", "--check"], { cwd: folder });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: 5,
    target: { handler: "who", codec: "cbor" },
    load: { batch: false },
  });
  await host.stop();
});

describe("--data-lines", () => {
  test("sends the bodies of a file in turn", async () => {
    const seen: unknown[] = [];
    const endpoints = { e: { bind: ANY_PORT, handler: "see", codec: "json" } };
    const see = (input: unknown) => void seen.push(input);
    const address = addressOf(await startHost({ endpoints }, { see }), "e");
    const cwd = folderWith({ "bodies.jsonl": '{"n":1}\r\n\n{"n":2}\n[3]' });
    const args = ["bench", address, "--codec", "json", "--data-lines", "bodies.jsonl", "--requests", "5", "-q"];
    expect(await run(args, { cwd })).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(seen).toEqual([{ n: 1 }, { n: 2 }, [3], { n: 1 }, { n: 2 }]);
  });

  test("names the lines that are no bodies, and sends nothing", async () => {
    const cwd = folderWith({ "bodies.jsonl": '{"n":1}\n{"n":\n\n9007199254740993\n' });
    const args = ["bench", await deadAddress(), "--codec", "json", "--data-lines", "bodies.jsonl"];
    const { code, stdout, stderr } = await run(args, { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      /^zmqecho: bodies.jsonl:2:1: this line is no JSON.*\nzmqecho: bodies.jsonl:4:1: this line has an integer/,
    );
  });
});

describe("exits with", () => {
  test.each([
    [["--fail-if", "p98>1ms"], "as in 'p99>5ms'"],
    [["--duration", "5x"], "such as 10s"],
    [["--rate", "0"], "requests a second"],
    [["--data-lines", "no.jsonl"], "can't read no.jsonl"],
    [["--report", "no/such/folder.html"], "can't write no/such/folder.html"],
    [["--connections", "257"], "a whole number from 1 to 256"],
    [["-H", "a=b"], "--metadata goes with a call by name"],
  ])("2 for %j, before anything is sent", async (args, text) => {
    const { code, stdout, stderr } = await run(["bench", await deadAddress(), ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(text);
  });

  test("3 when a condition holds, and says what was measured", async () => {
    const args = ["--requests", "10", "--fail-if", "errors>20%", "--fail-if", "errors>60%", "--fail-if", "max<1us"];
    const { code, stdout, stderr } = await run(["bench", await failing("aborted", 2), ...args]);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "zmqecho: --fail-if errors>20%: measured 50%\n" });
    expect(stdout).toMatch(/errors>20% +FAILED, measured 50%\n +errors>60% +passed/);
    expect(stdout).toMatch(/errors +5 aborted: not today/);
  });

  test("64 + the code of the most frequent error when nothing succeeds", async () => {
    const { code, stderr } = await run([
      "bench",
      await failing("not_found"),
      "--requests",
      "5",
      "--fail-if",
      "errors>1",
    ]);
    expect(code).toBe(69);
    expect(stderr).toBe("zmqecho: not_found: none of 5 requests succeeded; the first of this kind: not today\n");
  });

  test("78 at once when nobody is there", async () => {
    const { code, stdout, stderr } = await run(["bench", await deadAddress(), "--duration", "1h"]);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(/^zmqecho: unavailable: .*refused.*\n$/);
  });

  test("72 when the system has not enough files for the connections", async () => {
    const shell = 'ulimit -n 150; exec "$0" "$@"';
    const { code, stdout, stderr } = await run(["bench", await echo(), "--connections", "200"], { shell });
    expect({ code, stdout }).toEqual({ code: 72, stdout: "" });
    expect(stderr).toMatch(/^zmqecho: resource_exhausted: .*ulimit -n\n$/);
  });

  test("130 after SIGINT, with the figures so far", async () => {
    const server = await serve([ANY_PORT, "-v"]);
    const cwd = folderWith({ lines: "first\nsecond\n" });
    const args = ["bench", ...server.addresses, "--data-lines", "lines", "--duration", "1h", "--warmup", "0"];
    const { child, finished } = start([...args, "-o", "json"], { cwd });
    // The first has been answered by then.
    await server.logged("-> second");
    child.kill("SIGINT");
    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, failed: 0 });
    expect(JSON.parse(stdout).ok).toBeGreaterThanOrEqual(1);
  });
});

test("goes on to the end when the server dies, and does not spin", async () => {
  const server = await serve([ANY_PORT, "-v"]);
  const cwd = folderWith({ lines: "first\nsecond\n" });
  const args = ["bench", ...server.addresses, "--data-lines", "lines", "--duration", "2s", "--warmup", "0"];
  const { finished } = start([...args, "-o", "json"], { cwd });
  await server.logged("-> second");
  await server.stop("SIGKILL");
  const { code, stdout } = await finished;
  const { ok, failed, elapsedMs, errors } = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(ok).toBeGreaterThanOrEqual(1);
  expect(elapsedMs).toBeGreaterThanOrEqual(2000);
  expect(errors).toEqual([{ code: "unavailable", count: failed, message: expect.any(String) }]);
  expect(failed).toBeLessThan(30);
});

test("--report writes a page with the same figures, whatever the requests came to", async () => {
  const cwd = folderWith({});
  const args = ["bench", await failing("aborted", 3), "--requests", "9", "--report", "out.html", "-o", "json"];
  const { code, stdout } = await run(args, { cwd });
  expect(code).toBe(0);
  expect(existsSync(join(cwd, "out.html"))).toBe(true);
  const page = readFileSync(join(cwd, "out.html"), "utf8");
  const [, inside = ""] = /<script type="application\/json" id="figures">(.*)<\/script>/.exec(page) ?? [];
  expect(JSON.parse(inside)).toEqual(JSON.parse(stdout));
});

test("shows a bar on a terminal, and takes it away", async () => {
  const address = await echo();
  const onTerminal = (flags: string) => ({ shell: `script -qec "$0 $* ${flags}" /dev/null` });
  const { stdout } = await run(["bench", address, "--requests", "20"], onTerminal(""));
  expect(stdout).toMatch(/ % {2}\d+ succeeded, \d+ failed/);
  expect(stdout).toContain("succeeded   20");
  expect((await run(["bench", address, "--requests", "20"], onTerminal("-q"))).stdout).toBe("");
});
