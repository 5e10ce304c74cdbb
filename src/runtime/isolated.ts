// placeholder until the pool is written
import type { Bundle } from "../loader/bundle.ts";
import type { PluginFile } from "../loader/find.ts";
import type { Runner, WorkerCounts } from "./runner.ts";
import type { SetupOptions } from "./setup.ts";
export interface IsolatedOptions extends SetupOptions {
  readonly isolation: "thread" | "process";
  readonly plugin: PluginFile;
  readonly bundle: Bundle;
  readonly timeoutMs: number;
  readonly pool: { readonly maxWorkers: number; readonly idleMs: number; readonly memoryMb: number };
}
export interface IsolatedRunner extends Runner {
  readonly workers: WorkerCounts;
  warm(): Promise<void>;
}
export function createIsolatedRunner(_options: IsolatedOptions): IsolatedRunner {
  throw new Error("to come");
}
