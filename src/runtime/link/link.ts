/** A worker as its host sees it, be it a thread or a process: messages both ways, and its end. */
import type { Isolation } from "../../handler.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { startProcess } from "./process-link.ts";
import { startThread } from "./thread-link.ts";

export type WorkerKind = Exclude<Isolation, "inline">;

export interface Link {
  send(message: ToWorker): void;
  /** Whether the host's process goes on for its sake. At first it does. */
  keepsAlive(keeps: boolean): void;
  /** Ends it from outside, whatever it does. */
  kill(): void;
}

export interface LinkOptions {
  /** The handler it is for, as tools show it. */
  readonly name: string;
  /** Of its heap. Default: what Node gives. */
  readonly memoryMb?: number;
  /** Flags of Node that load modules before anything else. */
  readonly preload?: readonly string[];
  readonly receive: (message: FromWorker) => void;
  /** Called once, after its last message. */
  readonly ended: (ending: Ending) => void;
}

export interface Ending {
  /** What it did, such as `exited with code 3`. */
  readonly how: string;
  readonly cause?: unknown;
}

/** Starts a worker, which waits for its first message. */
export function startLink(kind: WorkerKind, options: LinkOptions): Link {
  return kind === "thread" ? startThread(options) : startProcess(options);
}
