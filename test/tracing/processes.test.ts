/** Traces over real processes: a client's, a host's, and those of its workers. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { folderWith } from "../config/folder.ts";
import { type Served, serve } from "../processes.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const SDK = new URL("otel.mjs", import.meta.url).href;

/** A line of otel.mjs. */
interface Line {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly attributes: Record<string, unknown>;
  readonly pid: number;
  readonly isMainThread: boolean;
}

/** As a library that the plugin uses would: it asks the API for what is active. */
const VAT = `import { createRequire } from "node:module";
const { trace } = createRequire(${JSON.stringify(path("../../package.json"))})("@opentelemetry/api");
export default async (input, { span }) => {
  await new Promise((resolve) => setImmediate(resolve));
  trace.getTracer("plugin").startSpan("query").end();
  span.setAttribute("lines", 3);
  if (input === "bug") throw new TypeError("no");
  return input;
};`;

const CLIENT = `import { createClient } from ${JSON.stringify(path("../../dist/index.js"))};
await using client = createClient({ connect: process.argv[2], codec: "json" });
await client.call("vat", process.argv[3]).catch(() => {});`;

function folderFor(isolation: string): string {
  return folderWith({
    "client.mjs": CLIENT.replace("await using client", "const client").concat("\nawait client.close();"),
    "plugins/vat.js": VAT,
    "zmqecho.config.json": JSON.stringify({
      endpoints: { gateway: { bind: "tcp://127.0.0.1:*", handlers: ["*"] } },
      handlers: { vat: { isolation } },
    }),
  });
}

async function callVat(served: Served, cwd: string, input: string): Promise<void> {
  const env = { ...process.env, SPANS_FILE: join(cwd, "spans"), SPANS_AT_ONCE: "1" };
  const [address = ""] = served.addresses;
  await promisify(execFile)(process.execPath, ["--import", SDK, "client.mjs", address, input], { cwd, env });
}

function linesIn(cwd: string): Line[] {
  const lines = readFileSync(join(cwd, "spans"), "utf8").trimEnd().split("\n");
  return lines.map((line): Line => JSON.parse(line));
}

/** From the span that has no parent down. */
function chainIn(cwd: string): Line[] {
  const lines = linesIn(cwd);
  const chain: Line[] = [];
  for (let next = lines.find(({ parentId }) => parentId === undefined); next !== undefined; ) {
    const { traceId, spanId } = next;
    chain.push(next);
    next = lines.find((line) => line.parentId === spanId && line.traceId === traceId);
  }
  expect(chain).toHaveLength(lines.length);
  return chain;
}

const WITH_SDK = { shell: `exec "$0" --import ${SDK} "$@"` };

for (const isolation of ["inline", "thread", "process"]) {
  test(`a call through client, host and a handler in isolation ${isolation} is one trace`, async () => {
    const cwd = folderFor(isolation);
    const served = await serve([], { cwd, env: { SPANS_FILE: join(cwd, "spans") }, ...WITH_SDK });
    await callVat(served, cwd, "fine");
    expect(await served.stop()).toMatchObject({ code: 0 });
    const chain = chainIn(cwd);
    const names = chain.map(({ kind, name }) => `${kind} ${name}`);
    const own = isolation === "inline" ? [] : ["INTERNAL handle vat"];
    expect(names).toEqual(["CLIENT vat", "SERVER vat", ...own, "INTERNAL query"]);
    const [client, host] = chain;
    const handler = chain.at(-2);
    expect(host?.pid).toBe(served.pid);
    expect(client?.pid).not.toBe(served.pid);
    expect(handler?.pid === served.pid).toBe(isolation !== "process");
    expect(handler?.isMainThread).toBe(isolation !== "thread");
    expect(handler?.attributes).toMatchObject({ lines: 3 });
    expect(chain.map(({ status }) => status)).toEqual(chain.map(() => "UNSET"));
  });
}

test("NODE_OPTIONS brings the SDK to the host and its threads", async () => {
  const cwd = folderFor("thread");
  const env = { SPANS_FILE: join(cwd, "spans"), NODE_OPTIONS: `--import ${SDK}` };
  const served = await serve([], { cwd, env });
  await callVat(served, cwd, "bug");
  await served.stop();
  const chain = chainIn(cwd);
  expect(chain.map(({ name, status }) => `${status} ${name}`)).toEqual([
    "ERROR vat",
    "ERROR vat",
    "ERROR handle vat",
    "UNSET query",
  ]);
});
