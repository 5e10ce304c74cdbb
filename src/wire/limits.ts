/** Bounds on a message as it came off the wire, before anything reads it. */
import { ZmqEchoError } from "../errors.ts";

export interface MessageLimits {
  /** Bytes of all frames together. */
  readonly maxMessageBytes: number;
  readonly maxFrames: number;
}

/** `resource_exhausted` for a message over a limit, else undefined. */
export function overLimit(frames: readonly Uint8Array[], limits: MessageLimits): ZmqEchoError | undefined {
  if (frames.length > limits.maxFrames) {
    return new ZmqEchoError(
      "resource_exhausted",
      `the message has ${frames.length} frames; ${limits.maxFrames} at most`,
    );
  }
  const bytes = bytesOf(frames);
  if (bytes <= limits.maxMessageBytes) return undefined;
  return new ZmqEchoError("resource_exhausted", `the message has ${bytes} bytes; ${limits.maxMessageBytes} at most`);
}

/** Of all frames together. */
export function bytesOf(frames: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { length } of frames) bytes += length;
  return bytes;
}
