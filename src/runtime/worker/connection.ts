/** A worker's way to its host. */
import type { FromWorker, ToWorker } from "../link/messages.ts";

export interface Connection {
  send(message: FromWorker): void;
  /** A value as it would arrive there. Throws for one that can't be sent. */
  copy(value: unknown): unknown;
  /** Ends this worker when all that was sent is on its way. */
  leave(code: number): void;
}

export type Connect = (receive: (message: ToWorker) => void) => Connection;
