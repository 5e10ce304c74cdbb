/** Where there is no SDK. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT, addressOf, recordingLog, startHost } from "../hosts.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";
const metadata = { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`, tracestate: "a=1" };

const PLUGIN = `export default async (input, { span, log, metadata }) => {
  log.info("sold");
  const { traceId, spanId } = span.spanContext();
  if (input === "bug") throw new Error("no");
  return { traceId, spanId, isRecording: span.isRecording(), metadata };
}`;

async function serve(isolation: "inline" | "thread" | "process") {
  const folder = folderWith({ "plugins/vat.js": PLUGIN });
  const log = recordingLog();
  const endpoints = { gateway: { bind: ANY_PORT, handlers: ["*"], concurrency: 4 } };
  const host = await startHost(
    { plugins: ["./plugins"], endpoints, handlers: { vat: { isolation } } },
    {},
    { log, folder },
  );
  const client = createClient({ connect: addressOf(host, "gateway"), codec: "json" });
  onTestFinished(() => client.close());
  return { client, log };
}

for (const isolation of ["inline", "thread", "process"] as const) {
  test(`${isolation}: a handler and its log know the trace of the caller`, async () => {
    const { client, log } = await serve(isolation);
    const told = { traceId: TRACE_ID, spanId: SPAN_ID, isRecording: false, metadata: {} };
    expect(await client.call("vat", 1, { metadata })).toEqual(told);
    await expect(client.call("vat", "bug", { metadata })).rejects.toMatchObject({ code: "internal" });
    for (const text of ["sold", "handler vat failed"]) {
      const { fields } = await log.logged(text);
      expect(fields).toMatchObject({ traceId: TRACE_ID });
      expect(fields).not.toHaveProperty("spanId");
    }
  });

  test(`${isolation}: a call in no trace has a span of no ids, and its log none`, async () => {
    const { client, log } = await serve(isolation);
    const none = { traceId: "0".repeat(32), spanId: "0".repeat(16), isRecording: false, metadata: {} };
    expect(await client.call("vat", 1)).toEqual(none);
    expect(await client.call("vat", 1, { metadata: { traceparent: "00-oops" } })).toEqual(none);
    expect((await log.logged("sold")).fields).not.toHaveProperty("traceId");
  });
}

test("nothing of OpenTelemetry is loaded, by a host, its workers or a client", async () => {
  const loaded = `Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes("opentelemetry"))`;
  const plugin = `import { createRequire } from "node:module";
    export default () => ${loaded};`;
  const library = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
  const folder = folderWith({
    "plugins/inline.js": plugin,
    "plugins/thread.js": plugin,
    "plugins/process.js": plugin,
    "main.mjs": `import { createRequire } from "node:module";
      import { createClient, createHost } from ${JSON.stringify(library)};
      const isolations = ["inline", "thread", "process"];
      const host = createHost({
        plugins: ["./plugins"],
        endpoints: { gateway: { bind: "tcp://127.0.0.1:*", handlers: ["*"] } },
        handlers: Object.fromEntries(isolations.map((isolation) => [isolation, { isolation }])),
        watch: false,
      });
      await host.start();
      const client = createClient({ connect: host.addresses.get("gateway")[0], codec: "json" });
      const found = [];
      for (const isolation of isolations) found.push(await client.call(isolation, 1));
      await client.close();
      await host.stop();
      console.log(JSON.stringify([...found, ${loaded}]));`,
  });
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "main.mjs")], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual([[], [], [], []]);
});

test("zmqecho send loads nothing of it", async () => {
  const host = await startHost({ endpoints: { e: { bind: ANY_PORT, handler: "echo" } } });
  const spy = `import { createRequire } from "node:module";
    const { cache } = createRequire(import.meta.url);
    process.once("exit", () => console.log(Object.keys(cache).some((file) => file.includes("opentelemetry"))));`;
  const folder = folderWith({ "spy.mjs": spy });
  const bin = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));
  const args = ["--import", join(folder, "spy.mjs"), bin, "send", addressOf(host, "e"), "hello", "-o", "value"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  expect(stdout).toBe("hello\nfalse\n");
});
