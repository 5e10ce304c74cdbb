/**
 * What a call of a handler in a worker takes, from bytes to bytes and one after the other, beside piscina's own bare call
 * of a thread that parses and stringifies the same: `node bench/thread-call.mjs [ROUNDS] [CALLS]`.
 * `inline` is the same handler without a worker: what is more in the others is the way there and back.
 *
 * piscina is no dependency of this package. npm installs it into a temporary folder, which needs the registry and is
 * gone at the end.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCodec } from "../dist/codecs/registry.js";
import { bundlePlugin } from "../dist/loader/bundle.js";
import { startInline } from "../dist/runtime/inline.js";
import { createIsolatedRunner } from "../dist/runtime/isolated.js";
import { jsonBody, median } from "./figures.mjs";

const rounds = Number(process.argv[2] ?? 15);
const calls = Number(process.argv[3] ?? 2_000);
const PISCINA = "piscina@5.3.2";

const record = JSON.parse(jsonBody);
const bodies = [
  { size: `${jsonBody.length} bytes`, body: Buffer.from(jsonBody), calls },
  { size: "64 kB", body: Buffer.from(JSON.stringify(Array.from({ length: 965 }, () => record))), calls: calls / 10 },
];

const folder = await mkdtemp(join(tmpdir(), "zmqecho-bench-"));
const limits = { maxDepth: 128, maxMessageBytes: 4 * 1024 * 1024 };
const log = { debug() {}, info() {}, warn: console.error, error: console.error, child: () => log };
const shared = { handler: "echo", options: {}, setupMs: 10_000, timeoutMs: 5_000, log };

async function piscina() {
  execFileSync("npm", ["install", "--no-save", "--silent", "--prefix", folder, PISCINA], { stdio: "inherit" });
  const { Piscina } = createRequire(join(folder, "x.js"))("piscina");
  const filename = join(folder, "bare.mjs");
  await writeFile(
    filename,
    "export default (bytes) => Buffer.from(JSON.stringify(JSON.parse(Buffer.from(bytes).toString())));\n",
  );
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1 });
  return { call: (body) => pool.run(body), end: () => pool.destroy() };
}

async function isolated(isolation) {
  const file = join(folder, "echo.ts");
  await writeFile(file, "export default (input) => input;\n");
  const plugin = { name: "echo", file, folder };
  const pool = { maxWorkers: 1, idleMs: 60_000, memoryMb: 256 };
  return served(createIsolatedRunner({ ...shared, isolation, plugin, bundle: await bundlePlugin(plugin), pool }));
}

function served(runner) {
  const codec = createCodec("json", { role: "server", limits });
  const recipe = { name: "json", spec: "json", folder, limits };
  const call = (body) =>
    runner.run({
      endpoint: "echo",
      handler: "echo",
      codec,
      recipe,
      body: [body],
      requestId: "0123456789ab",
      metadata: {},
      deadline: Date.now() + 5_000,
      signal: new AbortController().signal,
    });
  return { call, end: () => runner.close(1_000) };
}

const kinds = {
  piscina: await piscina(),
  thread: await isolated("thread"),
  process: await isolated("process"),
  inline: served(await startInline({ handle: (input) => input }, shared)),
};

console.log(
  `node ${process.version}, ${PISCINA}, medians of ${rounds} rounds of ${calls} calls, a tenth of them for large bodies; ratios are medians of pairs`,
);
for (const { size, body, calls } of bodies) {
  const times = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  // The first round warms the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const [kind, { call }] of Object.entries(kinds)) {
      const from = performance.now();
      for (let left = calls; left > 0; left--) await call(body);
      const took = performance.now() - from;
      if (round > 0) times[kind].push((took / calls) * 1000);
    }
  }
  for (const [kind, list] of Object.entries(times)) {
    const ratio = median(list.map((time, index) => time / times.piscina[index])).toFixed(2);
    console.log(`${size.padEnd(10)} ${kind.padEnd(10)} ${median(list).toFixed(1).padStart(7)} µs  ${ratio} x`);
  }
}
await Promise.all(Object.values(kinds).map(({ end }) => end()));
await rm(folder, { recursive: true });
