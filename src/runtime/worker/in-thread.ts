import { type MessagePort, workerData } from "node:worker_threads";
import { post } from "../link/port.ts";
import type { Connect } from "./connection.ts";

/** A thread's way to its host: a port that it got when it was started. */
export const connect: Connect = (receive) => {
  const port = workerData as MessagePort;
  port.on("message", receive);
  return {
    send: (message) => post(port, message),
    copy: structuredClone,
    leave: (code) => process.exit(code),
  };
};
