/** Workers and the process that started them: neither outlives the other against its will. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createFolder } from "../loader/folder.ts";
import { KINDS, type Kind } from "./workers.ts";

/** Says all by its log: what a thread writes to the console waits until the host has taken what it wrote before. */
const PLUGIN = `
  setInterval(() => {}, 1000);
  export default {
    setup({ log }) { log.info("set up"); return log; },
    teardown(log) { log.info("torn down"); },
    handle(input, { log }) {
      log.info("ran " + input);
      if (input === "loop") for (;;);
      if (input === "print") console.log("printed");
      if (input === "wait") return new Promise((done) => setTimeout(() => done(input), 50));
      return input;
    },
  };
`;

const dist = (file: string) => JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href);

/** A process of its own with a handler in a worker, that does what `script` says. */
async function host(kind: Kind, script: string): Promise<Host> {
  const main = `
    import { bundlePlugin } from ${dist("loader/bundle.js")};
    import { createIsolatedRunner } from ${dist("runtime/isolated.js")};
    const [, , folder] = process.argv;
    const plugin = { name: "vat", file: folder + "/vat.ts", folder };
    const say = (_, message) => console.log(message);
    const log = { debug: say, info: say, warn: say, error: say, child: () => log };
    const runner = createIsolatedRunner({
      handler: "vat", isolation: "${kind}", plugin, bundle: await bundlePlugin(plugin), options: {}, setupMs: 5000,
      timeoutMs: 5000, pool: { maxWorkers: 4, idleMs: 60000, memoryMb: 256 }, log,
    });
    const recipe = { name: "json", spec: "json", folder: "/", limits: { maxDepth: 9, maxMessageBytes: 999 } };
    const call = (input) => runner.run({
      endpoint: "e", handler: "vat", recipe, body: [Buffer.from(JSON.stringify(input))], requestId: "r", metadata: {},
      deadline: 0, signal: new AbortController().signal,
    });
    ${script}
  `;
  const folder = await createFolder({ "vat.ts": PLUGIN, "host.mjs": main });
  // In a group of its own, as a terminal would have it.
  const child = spawn(process.execPath, [join(folder, "host.mjs"), folder], { detached: true });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  // Closed only when every process that writes to it has ended.
  const closed = once(child, "close").then(([code]) => ({ code, output }));
  return {
    child,
    closed,
    said: async (text) => {
      while (!output.includes(text)) await once(child.stdout, "data");
    },
  };
}

interface Host {
  readonly child: ChildProcessWithoutNullStreams;
  readonly closed: Promise<{ code: number | null; output: string }>;
  said(text: string): Promise<void>;
}

describe.each(KINDS)("a %s", (kind) => {
  test("that idles does not keep the process", async () => {
    const { closed } = await host(kind, 'await call("one"); console.log("done");');
    expect(await closed).toEqual({ code: 0, output: "set up\nran one\ndone\n" });
  });

  test("that runs a call does", async () => {
    const { closed } = await host(kind, 'void call("wait").then(() => console.log("answered"));');
    expect(await closed).toEqual({ code: 0, output: "set up\nran wait\nanswered\n" });
  });

  test("that is to be closed does, until it has torn down", async () => {
    const { closed } = await host(
      kind,
      'await call("one"); void runner.close(5000).then(() => console.log("closed"));',
    );
    expect(await closed).toEqual({ code: 0, output: "set up\nran one\ntorn down\nclosed\n" });
  });

  test("that was only looked at is gone afterwards, whatever it began", async () => {
    const { closed } = await host(
      kind,
      `const { outlineInWorker } = await import(${dist("runtime/outline.js")});
       console.log((await outlineInWorker(plugin, await bundlePlugin(plugin), "${kind}")).codec);`,
    );
    expect(await closed).toEqual({ code: 0, output: "false\n" });
  });

  test("prints where the process does", async () => {
    const { closed, said, child } = await host(kind, 'await call("print"); process.stdin.resume();');
    await said("printed\n");
    child.stdin.end();
    expect(await closed).toMatchObject({ code: 0 });
  });

  test("that loops does not outlive an exit", async () => {
    const { said, child, closed } = await host(
      kind,
      'void call("loop").catch(() => {}); process.on("SIGTERM", () => process.exit(9));',
    );
    await said("ran loop");
    child.kill("SIGTERM");
    expect((await closed).code).toBe(9);
  });

  test("that loops does not outlive a kill -9", async () => {
    const { said, child, closed } = await host(kind, 'void call("loop"); void call("idle");');
    await Promise.all([said("ran loop"), said("ran idle")]);
    child.kill("SIGKILL");
    expect((await closed).code).toBeNull();
  });

  test("goes on when a terminal interrupts the whole group, and is torn down by its host", async () => {
    const { said, child, closed } = await host(
      kind,
      'process.on("SIGINT", () => runner.close(5000)); void call("one"); process.stdin.resume();',
    );
    await said("ran one");
    process.kill(-Number(child.pid), "SIGINT");
    await said("torn down");
    child.stdin.end();
    expect(await closed).toEqual({ code: 0, output: "set up\nran one\ntorn down\n" });
  });
});
