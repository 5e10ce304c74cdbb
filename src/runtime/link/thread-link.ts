import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { textOf } from "../../errors.ts";
import type { Ending, Link, LinkOptions } from "./link.ts";
import type { FromWorker } from "./messages.ts";
import { post } from "./port.ts";
import { WORKER_FILE } from "./worker-file.ts";

/** Starts a thread. What it exits by, and what it throws at last, may be its own: messages go over a port that only we know. */
export function startThread({ name, memoryMb, preload = [], receive, ended }: LinkOptions): Link {
  const { port1: port, port2: theirs } = new MessageChannel();
  const worker = new Worker(WORKER_FILE, {
    name,
    workerData: theirs,
    transferList: [theirs],
    // Not our inspector.
    execArgv: [...preload],
    ...(memoryMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: memoryMb } }),
  });
  let ending: Ending | undefined;
  port.on("message", receive);
  // As long as it runs, the thread itself keeps us alive, or does not.
  port.unref();
  worker.on("error", (error: NodeJS.ErrnoException) => {
    ending =
      error.code === "ERR_WORKER_OUT_OF_MEMORY"
        ? { how: outOfMemory(memoryMb) }
        : { how: `failed: ${textOf(error)}`, cause: error };
  });
  worker.on("exit", (code) => {
    // What it sent before its end may still be on the way.
    for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port)) {
      receive(last.message as FromWorker);
    }
    port.close();
    ended(ending ?? { how: `exited with code ${code}` });
  });
  return {
    send: (message) => post(port, message),
    keepsAlive: (keeps) => (keeps ? worker.ref() : worker.unref()),
    kill: () => void worker.terminate(),
  };
}

function outOfMemory(memoryMb: number | undefined): string {
  return `ran out of memory${memoryMb === undefined ? "" : ` (pool.memoryMb ${memoryMb})`}`;
}
