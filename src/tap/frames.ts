/**
 * Messages out of the bytes of one direction, after the greeting. A frame is a byte of flags, its length in 1 or 8 bytes,
 * and as many bytes (https://rfc.zeromq.org/spec/23/, https://rfc.zeromq.org/spec/15/ for ZMTP 2.0).
 */

const MORE = 0x01;
const LONG = 0x02;
const COMMAND = 0x04;

const LONGEST_HEADER = 9;

/** No sender needs as many; each costs memory of its own, even if it has no bytes. */
export const MOST_FRAMES = 4096;

/** A frame that is a small part of what was read with it is copied, so that it does not keep all of that. */
const SMALL_PART = 4;

export interface FramesOptions {
  /** Of one message; of a larger one only the envelope is kept. */
  readonly maxMessageBytes: number;
  /** Without commands, which ZMTP 2.0 has not. */
  readonly isOld: boolean;
  /**
   * @param frames valid for ever; the envelope alone if the message is too large
   * @param at as {@link Frames.push} got it with the last of the message
   * @param notKept the bytes of the rest, if the message is too large
   */
  readonly onMessage: (frames: Buffer[], at: number, notKept: number | undefined) => void;
}

export interface Frames {
  /** The next bytes, and when they were read. Throws an `Error` that says what is irregular; nothing may come afterwards. */
  push(chunk: Buffer, at: number): void;
}

export function createFrames({ maxMessageBytes, isOld, onMessage }: FramesOptions): Frames {
  const header = Buffer.alloc(LONGEST_HEADER);
  /** Bytes of a header that came in parts. */
  let headed = 0;
  let flags = 0;
  /** Of the frame that is being read; undefined between two. */
  let left: number | undefined;
  /** A frame that came in parts; undefined if it is not kept. */
  let parts: Buffer | undefined;
  let filled = 0;

  let frames: Buffer[] = [];
  let bytes = 0;
  /** Of a message that is too large. */
  let notKept: number | undefined;

  const isKept = (): boolean => (flags & COMMAND) === 0 && notKept === undefined;

  function begin(first: number, length: number): void {
    if ((first & ~(isOld ? MORE | LONG : MORE | LONG | COMMAND)) !== 0) throw new Error("reserved flags are set");
    if (!Number.isSafeInteger(length)) throw new Error("a frame's length can't be");
    flags = first;
    left = length;
    if ((flags & COMMAND) !== 0) return;
    if (notKept !== undefined) notKept += length;
    else if (bytes + length > maxMessageBytes || frames.length === MOST_FRAMES) letGo(length);
    bytes += length;
  }

  /** The envelope stays, since a reply finds its request by it. */
  function letGo(length: number): void {
    const end = frames.findIndex((frame) => frame.length === 0);
    frames = frames.slice(0, end + 1);
    notKept = frames.reduce((rest, frame) => rest - frame.length, bytes + length);
  }

  function end(frame: Buffer | undefined, at: number): void {
    left = undefined;
    parts = undefined;
    if ((flags & COMMAND) !== 0) return;
    if (frame !== undefined) frames.push(frame);
    if ((flags & MORE) !== 0) return;
    const message = frames;
    const rest = notKept;
    frames = [];
    bytes = 0;
    notKept = undefined;
    onMessage(message, at, rest);
  }

  /** Reads the frame's header, or as much of it as is there. Returns how many bytes it took. */
  function readHeader(chunk: Buffer, from: number): number {
    const first = headed > 0 ? (header[0] ?? 0) : (chunk[from] ?? 0);
    const size = (first & LONG) === 0 ? 2 : LONGEST_HEADER;
    const there = chunk.length - from;
    if (headed === 0 && there >= size) {
      begin(first, size === 2 ? (chunk[from + 1] ?? 0) : longLength(chunk, from + 1));
      return size;
    }
    const taken = Math.min(size - headed, there);
    chunk.copy(header, headed, from, from + taken);
    headed += taken;
    if (headed === size) {
      headed = 0;
      begin(first, size === 2 ? (header[1] ?? 0) : longLength(header, 1));
    }
    return taken;
  }

  return {
    push(chunk, at) {
      let from = 0;
      while (from < chunk.length || left === 0) {
        if (left === undefined) {
          from += readHeader(chunk, from);
          continue;
        }
        const taken = Math.min(left, chunk.length - from);
        const isWhole = taken === left && parts === undefined;
        if (isWhole) {
          end(isKept() ? part(chunk, from, taken) : undefined, at);
          from += taken;
          continue;
        }
        if (isKept()) {
          if (parts === undefined) {
            // Its length is within the limit, so this is too. The system gives memory only to what is written.
            parts = Buffer.allocUnsafeSlow(left);
            filled = 0;
          }
          chunk.copy(parts, filled, from, from + taken);
          filled += taken;
        }
        from += taken;
        left -= taken;
        if (left === 0) end(parts, at);
      }
    },
  };
}

function part(chunk: Buffer, from: number, length: number): Buffer {
  const frame = chunk.subarray(from, from + length);
  if (length * SMALL_PART >= chunk.length) return frame;
  const copy = Buffer.allocUnsafeSlow(length);
  copy.set(frame);
  return copy;
}

function longLength(bytes: Buffer, from: number): number {
  return bytes.readUInt32BE(from) * 2 ** 32 + bytes.readUInt32BE(from + 4);
}
