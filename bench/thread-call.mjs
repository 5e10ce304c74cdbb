/**
 * What a call of a handler in a worker takes, from bytes to bytes, one after the other, beside piscina's own bare call
 * of a thread that parses and stringifies too: `node bench/thread-call.mjs [ROUNDS] [CALLS]`.
 *
 * piscina is no dependency of this package. The script installs it with npm into a temporary folder, so it needs the
 * registry, and removes it at the end.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePlugin } from "../dist/loader/bundle.js";
import { createIsolatedRunner } from "../dist/runtime/isolated.js";
import { median } from "./figures.mjs";

const rounds = Number(process.argv[2] ?? 15);
const calls = Number(process.argv[3] ?? 2_000);
const PISCINA = "piscina@5.3.2";

const bodies = {
  "67 bytes": { id: 1234567, name: "Ada King Lovelace", total: 99.95, open: true },
  "64 kB": {
    lines: Array.from({ length: 1000 }, (_, id) => ({ id, name: "Ada King Lovelace", total: 99.95, open: true })),
  },
};

const folder = await mkdtemp(join(tmpdir(), "zmqecho-bench-"));

async function piscina() {
  execFileSync("npm", ["install", "--no-save", "--silent", "--prefix", folder, PISCINA], { stdio: "inherit" });
  const { Piscina } = createRequire(join(folder, "x.js"))("piscina");
  const filename = join(folder, "echo.mjs");
  await writeFile(
    filename,
    "export default (bytes) => Buffer.from(JSON.stringify(JSON.parse(Buffer.from(bytes).toString())));\n",
  );
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 });
  return { call: (body) => pool.run(body), end: () => pool.destroy() };
}

const log = { debug() {}, info() {}, warn: console.error, error: console.error, child: () => log };

async function isolated(isolation) {
  const file = join(folder, "echo.ts");
  await writeFile(file, "export default (input) => input;\n");
  const plugin = { name: "echo", file, folder };
  const runner = createIsolatedRunner({
    handler: "echo",
    isolation,
    plugin,
    bundle: await bundlePlugin(plugin),
    options: {},
    setupMs: 10_000,
    timeoutMs: 5_000,
    pool: { maxWorkers: 1, idleMs: 60_000, memoryMb: 256 },
    log,
  });
  const recipe = { name: "json", spec: "json", folder, limits: { maxDepth: 128, maxMessageBytes: 4 * 1024 * 1024 } };
  const call = (body) =>
    runner.run({
      endpoint: "echo",
      handler: "echo",
      recipe,
      body: [body],
      requestId: "0123456789ab",
      metadata: {},
      deadline: Date.now() + 5_000,
      signal: new AbortController().signal,
    });
  return { call, end: () => runner.close(1_000) };
}

const kinds = { piscina: await piscina(), thread: await isolated("thread"), process: await isolated("process") };

console.log(
  `node ${process.version}, ${PISCINA}, medians of ${rounds} rounds of ${calls} calls; ratios are medians of pairs`,
);
for (const [size, value] of Object.entries(bodies)) {
  const body = Buffer.from(JSON.stringify(value));
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  // The first round warms the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const [kind, { call }] of Object.entries(kinds)) {
      const from = performance.now();
      for (let left = body.length > 10_000 ? calls / 10 : calls; left > 0; left--) await call(body);
      const took = performance.now() - from;
      if (round > 0) times[kind].push((took / (body.length > 10_000 ? calls / 10 : calls)) * 1000);
    }
  }
  for (const [kind, list] of Object.entries(times)) {
    const ratio = median(list.map((time, index) => time / times.piscina[index]));
    console.log(
      `${size.padEnd(10)} ${kind.padEnd(10)} ${median(list).toFixed(1).padStart(7)} µs  ${ratio.toFixed(2)} x`,
    );
  }
}
await Promise.all(Object.values(kinds).map(({ end }) => end()));
await rm(folder, { recursive: true });
