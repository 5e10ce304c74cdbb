import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { Link, LinkOptions } from "./link.ts";
import { killWithHost } from "./orphans.ts";
import { read, write } from "./pipe.ts";
import { WORKER_FILE } from "./worker-file.ts";

/** Starts a child process that shares our environment, folder and output. It ends when our end of the pipe closes. */
export function startProcess({ name, memoryMb, preload = [], receive, ended }: LinkOptions): Link {
  const heap = memoryMb === undefined ? [] : [`--max-old-space-size=${memoryMb}`];
  const child = spawn(process.execPath, [...preload, ...heap, fileURLToPath(WORKER_FILE), name], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    windowsHide: true,
  });
  child.on("error", (error) => {
    // What never was there does not exit.
    if (child.pid === undefined) ended({ how: `could not be started: ${error.message}`, cause: error });
  });
  const pipe = pipeOf(child);
  read(pipe, receive);
  pipe.on("error", () => {
    // It has gone, or is about to.
  });
  // A child that has closed it can't answer any more; neither can one that sends what is no message.
  pipe.on("close", () => child.kill("SIGKILL"));
  // It has exited, and all that it sent has been read.
  child.on("close", (code, signal) => {
    if (child.pid !== undefined) ended({ how: howItEnded(code, signal, memoryMb) });
  });
  killWithHost(child);
  return {
    send: (message) => write(pipe, message),
    keepsAlive(keeps) {
      if (keeps) child.ref();
      else child.unref();
      if (keeps) pipe.ref();
      else pipe.unref();
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

function pipeOf(child: ChildProcess): Socket {
  // When this process has no file left to open, there is not even `stdio`, whatever the types say.
  const [, , , pipe] = child.stdio ?? [];
  if (pipe instanceof Socket) return pipe;
  throw new Error("no process can be started: this one has too many files open");
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null, memoryMb: number | undefined): string {
  if (signal === null) return `exited with code ${code}`;
  // V8 aborts when its heap is full, and so does native code that finds itself in the wrong.
  const limit = memoryMb === undefined ? "" : ` (pool.memoryMb ${memoryMb})`;
  return `was ended by ${signal}${signal === "SIGABRT" ? `: out of memory${limit}, or a crash of native code` : ""}`;
}
