/** Plugins, and what they are made of, that can't be read: the others work, and nothing is waited for. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createClient } from "zmqecho";
import { ANY_PORT } from "../hosts.ts";
import { run, serve } from "../processes.ts";
import { startLoad } from "./load.ts";
import { ODD, replaceBy } from "./odd-files.ts";
import { figures, peakMemoryOf, siteWith, untilAnswer } from "./site.ts";

const CONFIG = { endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 16 } }, shutdown: { graceMs: 1_000 } };

test("at the start each is told of by name, and the others are served", async () => {
  const cwd = siteWith(CONFIG, { "good.mjs": "export default () => 'good';" });
  const names = Object.keys(ODD).map((_, index) => `odd${index}`);
  for (const [index, put] of Object.values(ODD).entries()) await put(join(cwd, `plugins/odd${index}.ts`));
  const host = await serve([], { cwd });
  const client = createClient({ connect: host.addresses[0] ?? "", codec: "json" });
  expect(await client.call("good", null)).toBe("good");
  const told = names.filter((name) => host.log().split(`plugin ${name} does not load`).length === 2);
  // A folder is none of ours as long as it has no index.
  expect(told).toEqual(names.filter((_, index) => Object.keys(ODD)[index] !== "a folder"));
  await client.close();
  expect(await host.stop()).toMatchObject({ code: 0 });
});

test("one that is replaced while the host runs goes on as it was last, and is followed when it is back", async () => {
  const kinds = Object.entries(ODD).filter(([kind]) => kind !== "a folder");
  const names = kinds.map((_, index) => `p${index}`);
  const cwd = siteWith(CONFIG, Object.fromEntries(names.map((name) => [`${name}.ts`, "export default () => 'old';"])));
  const host = await serve([], { cwd });
  const connect = host.addresses[0] ?? "";
  const load = startLoad({ connect, handler: "echo", lanes: 4 });
  const client = createClient({ connect, codec: "json" });
  for (const [index, [kind, put]] of kinds.entries()) {
    const name = `p${index}`;
    await replaceBy(join(cwd, `plugins/${name}.ts`), put);
    await host.logged(`plugin ${name} does not load`);
    expect(await client.call(name, null), kind).toBe("old");
  }
  for (const name of names) {
    await replaceBy(join(cwd, `plugins/${name}.ts`), (path) => writeFileSync(path, "export default () => 'new';"));
    await host.logged(`reloaded handler ${name}`);
    expect(await client.call(name, null)).toBe("new");
  }
  await load.stop();
  expect([load.failures, load.foreign()]).toEqual([[], 0]);
  await client.close();
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(`odd plugins: ${kinds.length} kinds at a reload, ${load.ok()} calls of another handler meanwhile, 0 lost`);
});

test("a pipe that a plugin imports, of code or of data, is told of, and edits of others still count", async () => {
  const cwd = siteWith(CONFIG, {
    "code.ts": "export default () => 1;",
    "data.ts": "export default () => 1;",
    "good.ts": "export default () => 1;",
  });
  mkdirSync(join(cwd, "plugins/lib"));
  for (const name of ["pipe.ts", "pipe.json"]) execFileSync("mkfifo", [join(cwd, "plugins/lib", name)]);
  const host = await serve([], { cwd });
  writeFileSync(join(cwd, "plugins/code.ts"), `import x from "./lib/pipe.ts"; export default () => x;`);
  writeFileSync(join(cwd, "plugins/data.ts"), `import x from "./lib/pipe.json"; export default () => x;`);
  await Promise.all([host.logged("plugin code does not load"), host.logged("plugin data does not load")]);
  writeFileSync(join(cwd, "plugins/good.ts"), "export default () => 2;");
  await host.logged("reloaded handler good");
  expect(await host.stop()).toMatchObject({ code: 0 });
});

test("one of 100 MB loads, and one that is rewritten without end is there in its last version", async () => {
  const cwd = siteWith(CONFIG, { "big.ts": "export default () => 0;", "busy.ts": "export default () => 0;" });
  const host = await serve([], { cwd });
  const connect = host.addresses[0] ?? "";
  const load = startLoad({ connect, handler: "echo", lanes: 4 });
  const client = createClient({ connect, codec: "json" });
  writeFileSync(join(cwd, "plugins/big.ts"), `${" \n".repeat(50_000_000)}export default () => 1;`);
  await host.logged("reloaded handler big");
  expect(await client.call("big", null)).toBe(1);
  let version = 0;
  for (const end = performance.now() + 500; performance.now() < end; await delay(5)) {
    // Not in one piece, so that a look may find a half.
    writeFileSync(join(cwd, "plugins/busy.ts"), `export default () => ${++version};${"//\n".repeat(30_000)}`);
  }
  await untilAnswer(() => client.call("busy", null), version);
  await load.stop();
  expect([load.failures, load.foreign()]).toEqual([[], 0]);
  figures(
    `a plugin of 100 MB: loaded, the host at ${Math.round(peakMemoryOf(host.pid))} MiB at most; ${version} rewrites`,
  );
  await client.close();
  expect(await host.stop()).toMatchObject({ code: 0 });
});

test("a schema that became a pipe holds nobody up", async () => {
  const proto = 'syntax = "proto3"; message M { string text = 1; }';
  const cwd = siteWith({
    ...CONFIG,
    codecs: { m: { type: "protobuf", proto: "m.proto", request: "M" } },
    endpoints: { ...CONFIG.endpoints, m: { bind: "ipc://./m.sock", codec: "m" } },
  });
  writeFileSync(join(cwd, "m.proto"), proto);
  const host = await serve([], { cwd, addresses: 2 });
  const load = startLoad({ connect: host.addresses[0] ?? "", handler: "echo", lanes: 4 });
  await replaceBy(join(cwd, "m.proto"), ODD["a pipe"]);
  await host.logged("m.proto");
  await load.served(50);
  await load.stop();
  expect([load.failures, load.foreign()]).toEqual([[], 0]);
  expect(await host.stop()).toMatchObject({ code: 0 });
});

test("a key in `allow` that became a pipe lets nobody in, and the folder is followed further on", async () => {
  const cwd = siteWith(CONFIG);
  mkdirSync(join(cwd, "allow"));
  for (const name of ["host", "allow/ann", "bob"])
    expect(await run(["keygen", name], { cwd })).toMatchObject({ code: 0 });
  const curve = { certificate: "host.key_secret", allow: "allow" };
  writeFileSync(
    join(cwd, "zmqecho.config.json"),
    JSON.stringify({ ...CONFIG, endpoints: { e: { bind: ANY_PORT, concurrency: 8, curve } } }),
  );
  const host = await serve([], { cwd });
  const sendAs = (certificate: string) =>
    run(["send", host.addresses[0] ?? "", "hi", "--certificate", certificate, "--server-key", "host.key"], { cwd });
  expect(await sendAs("allow/ann.key_secret")).toMatchObject({ code: 0 });
  await replaceBy(join(cwd, "allow/ann.key"), ODD["a pipe"]);
  await host.logged("whose key it was to be is not let in");
  expect(await sendAs("allow/ann.key_secret")).toMatchObject({ code: 80 });
  expect(await run(["keygen", "allow/eve"], { cwd })).toMatchObject({ code: 0 });
  let last = await sendAs("allow/eve.key_secret");
  for (let tried = 1; last.code !== 0 && tried < 10; tried++) last = await sendAs("allow/eve.key_secret");
  expect(last).toMatchObject({ code: 0 });
  expect(await host.stop()).toMatchObject({ code: 0 });
});
