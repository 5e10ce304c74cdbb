/**
 * `ZEP1 batch`: several requests, or several replies, packed into one frame. Specified in docs/protocol.md, with vectors in
 * test/vectors/. What a message costs on its way through ZeroMQ is more than most small calls, and a batch pays it once.
 */
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";

/** Of the packed frame, and how many messages are in it; what a client asks with a `ZEP1 batch` of one frame. */
export interface BatchLimits {
  readonly maxBytes: number;
  readonly maxCalls: number;
}

/** No server takes more. A batch gains little beyond, and what waits for it would wait longer. */
export const BATCH_LIMITS: BatchLimits = Object.freeze({ maxBytes: 65_536, maxCalls: 256 });

const LARGE_BYTES = 8192;

/** A request or a reply, and the number by which they belong together. */
export interface BatchItem {
  readonly id: number;
  readonly frames: Body;
}

const HEAD_BYTES = 6;
const LENGTH_BYTES = 4;

/** How many bytes it takes in a batch. */
export function packedSize(frames: Body): number {
  let bytes = HEAD_BYTES + frames.length * LENGTH_BYTES;
  for (const frame of frames) bytes += frame.length;
  return bytes;
}

/**
 * Whether a message is so large that it goes by itself: to copy it would cost more than a message does. One of many frames
 * is, however small they are: a batch may have no room for it, or for the count.
 */
export function isLarge(frames: Body): boolean {
  return packedSize(frames) >= LARGE_BYTES;
}

/** @param bytes the `packedSize` of all items together */
export function packBatch(items: readonly BatchItem[], bytes: number): Buffer {
  const packed = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { id, frames } of items) {
    at = packed.writeUInt32BE(id, at);
    at = packed.writeUInt16BE(frames.length, at);
    for (const frame of frames) {
      at = packed.writeUInt32BE(frame.length, at);
      packed.set(frame, at);
      at += frame.length;
    }
  }
  return packed;
}

/** Throws `invalid_argument` for what is malformed, `resource_exhausted` for what is over a limit. The items' frames are views of `frame`. */
export function unpackBatch(frame: Uint8Array, { maxBytes, maxCalls }: BatchLimits): BatchItem[] {
  const packed = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  if (packed.length > maxBytes) throw tooMuch(`${packed.length} bytes; ${maxBytes}`);
  const items: BatchItem[] = [];
  for (let at = 0; at < packed.length; ) {
    if (items.length === maxCalls) throw tooMuch(`more than ${maxCalls} messages; ${maxCalls}`);
    if (at + HEAD_BYTES > packed.length) throw cutOff(at);
    const id = packed.readUInt32BE(at);
    const count = packed.readUInt16BE(at + 4);
    if (count === 0) throw malformed(`the message at byte ${at} has no frame`);
    at += HEAD_BYTES;
    const frames: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      const start = at + LENGTH_BYTES;
      if (start > packed.length) throw cutOff(at);
      const end = start + packed.readUInt32BE(at);
      if (end > packed.length) throw cutOff(at);
      frames.push(packed.subarray(start, end));
      at = end;
    }
    items.push({ id, frames });
  }
  if (items.length === 0) throw malformed("there is no message in it");
  return items;
}

function cutOff(at: number): ZmqEchoError {
  return malformed(`it ends in the midst of what begins at byte ${at}`);
}

function malformed(what: string): ZmqEchoError {
  return new ZmqEchoError("invalid_argument", `the batch can't be read: ${what}`);
}

function tooMuch(what: string): ZmqEchoError {
  return new ZmqEchoError("resource_exhausted", `the batch has ${what} at most`);
}
