/** Handlers behind a wall, without a host around them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Body } from "../../src/codecs/codec.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import type { Value } from "../../src/handler.ts";
import { type Bundle, bundlePlugin } from "../../src/loader/bundle.ts";
import type { PluginFile } from "../../src/loader/find.ts";
import { createIsolatedRunner, type IsolatedOptions, type IsolatedRunner } from "../../src/runtime/isolated.ts";
import type { CodecRecipe } from "../../src/runtime/recipe.ts";
import type { Job } from "../../src/runtime/runner.ts";
import { type RecordingLog, recordingLog } from "../hosts.ts";
import { createFolder } from "../loader/folder.ts";

export const KINDS = ["thread", "process"] as const;
export type Kind = (typeof KINDS)[number];

export const LIMITS = { maxDepth: 128, maxMessageBytes: 4 * 1024 * 1024 };

export const JSON_RECIPE: CodecRecipe = { name: "json", spec: "json", folder: "/", limits: LIMITS };

/** The code of a plugin, or its files; `vat.ts` is the plugin. */
export type Code = string | Record<string, string>;

export async function pluginOf(code: Code): Promise<{ plugin: PluginFile; bundle: Bundle; file: string }> {
  const folder = await createFolder(typeof code === "string" ? { "vat.ts": code } : code);
  const file = join(folder, "vat.ts");
  const plugin = { name: "vat", file, folder };
  return { plugin, bundle: await bundlePlugin(plugin), file };
}

export interface Walled {
  readonly runner: IsolatedRunner;
  readonly log: RecordingLog;
  /** The plugin's. */
  readonly file: string;
  /** A value through JSON, and what comes back. */
  call(value: Value, job?: Partial<Job>): Promise<Value>;
}

export interface WalledOptions extends Partial<Omit<IsolatedOptions, "pool">> {
  readonly pool?: Partial<IsolatedOptions["pool"]>;
}

/** A handler in a worker; what is left of it when the test is over is killed. */
export async function walled(kind: Kind, code: Code, { pool, ...others }: WalledOptions = {}): Promise<Walled> {
  const { plugin, bundle, file } = await pluginOf(code);
  const log = recordingLog();
  const runner = createIsolatedRunner({
    handler: "vat",
    isolation: kind,
    plugin,
    bundle,
    options: {},
    setupMs: 10_000,
    timeoutMs: 5_000,
    pool: { maxWorkers: 1, idleMs: 60_000, memoryMb: 256, ...pool },
    log,
    ...others,
  });
  onTestFinished(() => runner.close(0).catch(() => {}));
  const json = createCodec("json", { limits: LIMITS });
  return {
    runner,
    log,
    file,
    call: async (value, job) => json.decodeBody(await runner.run(jobOf(json.encodeBody(value), job))),
  };
}

export function jobOf(body: Body, job: Partial<Job> = {}): Job {
  return {
    endpoint: "e",
    handler: "vat",
    recipe: JSON_RECIPE,
    codec: createCodec("json"),
    body,
    requestId: "r-1",
    metadata: {},
    deadline: Date.now() + 5_000,
    signal: new AbortController().signal,
    ...job,
  };
}

/** A signal that says what a deadline says. */
export function deadline(): { readonly signal: AbortSignal; pass(): void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    pass: () => controller.abort(new ZmqEchoError("deadline_exceeded", "it took too long")),
  };
}

/** What ends a wait in a worker, from here: the plugin gets the path, and waits for the file. */
export async function gate(): Promise<{ readonly path: string; open(): Promise<void> }> {
  const path = join(await createFolder(), "open");
  return { path, open: () => writeFile(path, "") };
}

/** Code of a plugin: `await opened(path)`. */
export const OPENED = `
  import { existsSync } from "node:fs";
  async function opened(path) { while (!existsSync(path)) await new Promise((done) => setTimeout(done, 2)); }
`;

/** What was thrown. */
export async function errorOf(result: unknown): Promise<Error> {
  const thrown = await Promise.resolve(result).then(
    (value) => new Error(`nothing was thrown; the result is ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (thrown instanceof Error) return thrown;
  throw new Error(`no Error: ${String(thrown)}`);
}
