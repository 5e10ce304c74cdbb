/** A configuration that goes, or can't be read: a host that runs keeps the last good one, a host that starts does not. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createClient } from "zmqecho";
import { ANY_PORT } from "../hosts.ts";
import { run, type Served, serve } from "../processes.ts";
import { startLoad } from "./load.ts";
import { ODD, replaceBy } from "./odd-files.ts";
import { figures, siteWith, until, untilAnswer } from "./site.ts";

const KINDS = {
  ...ODD,
  nothing: undefined,
  "an empty file": (path: string) => writeFileSync(path, ""),
  "half a file": (path: string) => writeFileSync(path, '{ "endpoints": {'),
};

const REFUSED = "the configuration can't be used, and what is served stays as it was";

/** `greeting` is in what a call of `told` gives. */
const configOf = (greeting: string, watch: boolean) => ({
  watch,
  handlers: { told: { options: { greeting } } },
  endpoints: { e: { bind: ANY_PORT, handlers: ["*"], concurrency: 16 } },
});
const pluginOf = (kind: string) => `export default (input, { options }) => "${kind} " + options.greeting;`;

test.each([
  ["watched", true],
  ["looked at by SIGHUP", false],
])("one that is %s and goes is told of once, kept, and followed when it is back", async (how, watch) => {
  const cwd = siteWith(configOf("0", watch), { "told.mjs": pluginOf("good") });
  const file = join(cwd, "zmqecho.config.json");
  const host = await serve([], { cwd });
  const connect = host.addresses[0] ?? "";
  const load = startLoad({ connect, handler: "echo", lanes: 4 });
  const client = createClient({ connect, codec: "json" });
  const look = () => watch || process.kill(host.pid, "SIGHUP");
  let version = 0;
  for (const [kind, put] of Object.entries(KINDS)) {
    const before = refusalsOf(host);
    await replaceBy(file, put);
    look();
    await until(() => refusalsOf(host) > before);
    // A look that finds the same says nothing. One is made, and known to be over when a plugin's edit counts.
    writeFileSync(join(cwd, "plugins/told.mjs"), pluginOf(kind));
    look();
    await untilAnswer(() => client.call("told", null), `${kind} ${version}`);
    expect([kind, refusalsOf(host)]).toEqual([kind, before + 1]);
    version++;
    await replaceBy(file, (path) => writeFileSync(path, JSON.stringify(configOf(String(version), watch))));
    look();
    await untilAnswer(() => client.call("told", null), `${kind} ${version}`);
  }
  await load.stop();
  expect([load.failures, load.foreign()]).toEqual([[], 0]);
  await client.close();
  expect(await host.stop()).toMatchObject({ code: 0 });
  figures(`odd configuration, ${how}: ${version} kinds, each told of once and kept; ${load.ok()} calls, 0 lost`);
});

test.each(Object.keys(KINDS).filter((kind) => kind !== "nothing"))(
  "at the start %s is exit 2 and one line",
  async (kind) => {
    const cwd = siteWith({});
    await replaceBy(join(cwd, "zmqecho.config.json"), Reflect.get(KINDS, kind));
    for (const args of [["serve"], ["serve", "--config", "zmqecho.config.json"]]) {
      const { code, stderr } = await run(args, { cwd });
      expect([args, code, stderr]).toEqual([
        args,
        2,
        expect.stringMatching(/^zmqecho: \S*zmqecho\.config\.json\S* .+\n$/),
      ]);
    }
  },
);

test("one that a shell gives as a pipe is read", async () => {
  const cwd = siteWith({});
  const text = JSON.stringify({ endpoints: { e: { bind: ANY_PORT } }, watch: false });
  // A here-document is a pipe to most shells.
  const shell = `exec "$0" "$@" <<'END'\n${text}\nEND`;
  const host = await serve(["--config", "/dev/stdin"], { cwd, shell });
  expect(host.addresses).toHaveLength(1);
  expect(await host.stop()).toMatchObject({ code: 0 });
});

function refusalsOf(host: Served): number {
  return host.log().split(REFUSED).length - 1;
}
