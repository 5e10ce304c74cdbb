/** Messages between threads. */
import type { MessagePort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./messages.ts";

/**
 * Posts a message. Its frames are copied once, each into memory of its own, and that is handed over: what they are in
 * may belong to a pool or to zeromq, or be used again by the handler that returned it.
 */
export function post(port: MessagePort, message: ToWorker | FromWorker): void {
  if (!("body" in message)) {
    port.postMessage(message);
    return;
  }
  const body = message.body.map((frame) => new Uint8Array(frame));
  port.postMessage(
    { ...message, body },
    body.map((frame) => frame.buffer),
  );
}
