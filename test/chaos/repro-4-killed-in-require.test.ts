/**
 * URGENT, found by the chaos suite in f41f5e6: a thread that is killed while it is inside `require()` of an ES module takes the
 * HOST with it (SIGABRT, "v8::Module::IsGraphAsync must be used on an instantiated module", Node 20.20.2). Since f41f5e6
 * src/runtime/worker/codecs.ts loads the codecs so, within a call, where the deadline kills: chaos lost its host twice in ten
 * runs on a busy machine (stack: loadRegistry <- worker/codecs.js <- require <- ModuleWrap::InstantiateSync).
 * `import()` does not abort, but leaves the file open. So neither may be killed: proposed is that a worker says
 * `{ kind: "begun", id }` when the codec of a call is there, and that pool-worker.ts counts KILL_AFTER_MS from the later of that and
 * the abort (with setupTimeoutMs as the bound), with `import()` as before.
 *
 * Here: Node's part of it, without the host. It dies within some 100 rounds.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const MODULES = 1500;
const ROUNDS = 300;

test("a thread that is killed while it requires an ES module ends nobody else", { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "zmqecho-require-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const names = Array.from({ length: MODULES }, (_, index) => `x${index}`);
  for (const name of names) writeFileSync(join(folder, `${name}.mjs`), `export const ${name} = 1;`);
  const imports = names.map((name) => `import { ${name} } from "./${name}.mjs";`);
  writeFileSync(join(folder, "root.mjs"), `${imports.join("\n")}\nexport const all = [${names.join(", ")}];`);
  const thread = `const { parentPort } = require("node:worker_threads");
    parentPort.postMessage("go"); require(${JSON.stringify(join(folder, "root.mjs"))}); parentPort.postMessage("done");`;
  writeFileSync(
    join(folder, "main.mjs"),
    `import { once } from "node:events";
    import { setTimeout } from "node:timers/promises";
    import { Worker } from "node:worker_threads";
    const thread = ${JSON.stringify(thread)};
    let ms = 0;
    for (let round = 0; round < ${ROUNDS}; round++) {
      const worker = new Worker(thread, { eval: true });
      await once(worker, "message");
      const from = performance.now();
      if (round === 0) await once(worker, "message").then(() => { ms = performance.now() - from; });
      else await setTimeout(ms * (0.5 + Math.random() * 0.6));
      await worker.terminate();
    }`,
  );
  await expect(promisify(execFile)(process.execPath, [join(folder, "main.mjs")])).resolves.toBeDefined();
});
