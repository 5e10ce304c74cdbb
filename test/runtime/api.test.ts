/** What a worker loads, and what plugins find there of this package. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as index from "../../src/index.ts";
import { api } from "../../src/runtime/worker/api.ts";
import { errorOf, KINDS, walled } from "./workers.ts";

test("the package's names are there in workers too", () => {
  expect(Object.keys(api).sort()).toEqual(Object.keys(index).sort());
});

describe.each(KINDS)("in a %s", (kind) => {
  test("imported, required, and as a whole", async () => {
    const { call } = await walled(kind, {
      "vat.ts": `import * as all from "zmqecho"; import { ZmqEchoError } from "zmqecho"; import { required } from "./other.cjs";
        export default async () => {
          const later = await import("zmqecho");
          return [all.ZmqEchoError === ZmqEchoError, required === ZmqEchoError, later.ZmqEchoError === ZmqEchoError];
        };`,
      "other.cjs": 'exports.required = require("zmqecho").ZmqEchoError;',
    });
    expect(await call(null)).toEqual([true, true, true]);
  });

  test("what needs packages works when it is used", async () => {
    const { call } = await walled(
      kind,
      `import { createCodec, loadConfig, ZmqEchoError } from "zmqecho";
       export default async () => {
         const problem = await loadConfig({ file: "/does/not/exist.json", env: {} }).catch((error) => error);
         return [Buffer.from(createCodec("cbor").encode([1])).toString("hex"), problem instanceof ZmqEchoError];
       };`,
    );
    expect(await call(null)).toEqual(["8101", true]);
  });
});

test("a process can call other servers, and tells their failures by the same classes", async () => {
  const { call } = await walled(
    "process",
    `import { CallError, createClient, createHost } from "zmqecho";
     export default async () => {
       const host = createHost({ plugins: [], watch: false, log: { level: "silent" }, endpoints: { e: { bind: "tcp://127.0.0.1:*", handler: "echo", codec: "json" } } });
       await host.start();
       const client = createClient({ connect: host.addresses.get("e")[0], codec: "json" });
       const echoed = await client.request({ a: 1 });
       await host.stop();
       const failed = await client.request(1).catch((error) => error instanceof CallError);
       await client.close();
       return [echoed, failed];
     };`,
  );
  expect(await call(null)).toEqual([{ a: 1 }, true]);
});

test.each(["createClient", "createHost"])("a thread is refused %s, for its end would be the host's", async (name) => {
  const { call } = await walled("thread", `import { ${name} } from "zmqecho"; export default () => ${name}({});`);
  expect((await errorOf(call(null))).message).toBe(
    `${name} opens ZeroMQ sockets, and a thread with one can't be ended without ending the host; write "isolation": "process" for this handler`,
  );
});

describe("a start loads little", () => {
  /** All that these files import before they run. */
  async function importsOf(...files: string[]) {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const visit = async (url: URL): Promise<void> => {
      if (seen.has(url.href)) return;
      seen.add(url.href);
      const text = await readFile(fileURLToPath(url), "utf8");
      for (const [, path = ""] of text.matchAll(/^(?:import|export)\b[^"'=(]*["']([^"']+)["']/gm)) {
        if (path.startsWith(".")) await visit(new URL(path, url));
        else packages.add(path);
      }
    };
    for (const file of files) await visit(new URL(`../../dist/runtime/${file}`, import.meta.url));
    return { modules: seen.size, packages: [...packages].sort() };
  }

  test("in a thread, no package and none of Node's own that is not there anyway", async () => {
    const { modules, packages } = await importsOf("worker/main.js", "worker/in-thread.js", "worker/handler.js");
    expect(packages).toEqual(["node:module", "node:url", "node:util", "node:v8", "node:worker_threads"]);
    // Each takes the better part of a millisecond.
    expect(modules).toBeLessThanOrEqual(27);
  });

  test("in a process, what its pipe needs besides", async () => {
    const { packages } = await importsOf("worker/main.js", "worker/in-process.js", "worker/handler.js");
    expect(packages).toEqual(["node:module", "node:net", "node:url", "node:util", "node:v8", "node:worker_threads"]);
  });

  test.each(KINDS)("a handler that asks for nothing has no package around it in a %s", async (kind) => {
    const { call } = await walled(
      kind,
      `import { createRequire } from "node:module"; import { readFileSync } from "node:fs"; import "zmqecho";
       export default () => [
         Object.keys(createRequire(import.meta.url).cache).filter((file) => !file.includes("vat.ts")),
         process.moduleLoadList.filter((name) => /^NativeModule (crypto|http|child_process)$/.test(name)),
       ];`,
    );
    expect(await call(null)).toEqual([[], []]);
  });
});
