/** A host that has had traffic of all kinds, so that each of its metrics has a number. */
import { onTestFinished } from "vitest";
import { curveKeyPair, Request } from "zeromq";
import { createClient } from "../../src/client/create-client.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createHost, type Host } from "../../src/host.ts";
import { client as curveClient, site } from "../curve-site.ts";
import { ANY_PORT, addressOf, recordingLog } from "../hosts.ts";
import { createFolder, writeFiles } from "../loader/folder.ts";

const PLUGINS = {
  "plugins/fragile.mjs": "export default (input) => (input === 'exit' ? process.exit() : input);",
  "plugins/failing.mjs": "export default () => { throw new Error('no'); };",
  "plugins/slow.mjs": "export default () => new Promise((resolve) => setTimeout(resolve, 20, null));",
};

export async function livelyHost(): Promise<Host> {
  const { server, curve } = site(["ann", curveKeyPair()]);
  const config = {
    watch: false,
    http: { bind: "127.0.0.1:*" },
    handlers: { fragile: { isolation: "process", pool: { maxWorkers: 1 } } },
    endpoints: {
      gateway: { bind: ANY_PORT, handlers: ["*"], concurrency: 2, queue: 2 },
      guarded: { bind: ANY_PORT, curve },
    },
  };
  const folder = await createFolder({ ...PLUGINS, "zmqecho.config.json": JSON.stringify(config) });
  const host = createHost(await loadConfig({ cwd: folder, env: {} }), { log: recordingLog() });
  await host.start();
  onTestFinished(() => host.stop(0));

  const gateway = addressOf(host, "gateway");
  const { call, close } = createClient({ connect: gateway, codec: "json" });
  const tried = (handler: string, input: unknown) => call(handler, input).catch(() => null);
  for (const handler of ["echo", "failing", "fragile", 'no "such"\n\\']) await tried(handler, "hello");
  await tried("fragile", "exit");
  await Promise.all(Array.from({ length: 10 }, () => tried("slow", null)));
  await close();
  const stranger = new Request({ linger: 0, receiveTimeout: 5000 });
  onTestFinished(() => stranger.close());
  stranger.connect(gateway);
  await stranger.send("garbage");
  await stranger.receive();
  await curveClient(addressOf(host, "guarded"), { server, own: curveKeyPair() }).ask("let me in");

  await writeFiles(folder, { "plugins/failing.mjs": "export default () => null;" });
  await host.reload();
  await writeFiles(folder, { "plugins/failing.mjs": "export default" });
  await host.reload();
  return host;
}
