/** Frames and routing ids as they are written on the command line, and messages shown frame by frame. */
import type { Body } from "../codecs/codec.ts";
import { rawText } from "../show.ts";
import { readBody } from "./body.ts";
import { usageError } from "./failure.ts";

const HEX = "hex:";
/** libzmq's. */
const LONGEST_IDENTITY = 255;

/** `--frame`: text, `hex:…` or `@FILE`. Throws a usage error. */
export async function readFrame(given: string): Promise<Uint8Array> {
  return given.startsWith("@") ? readBody(given) : bytesFrom(given, "--frame");
}

/** `--identity`: text or `hex:…`. Throws a usage error for what no ROUTER takes. */
export function readIdentity(given: string): Uint8Array {
  const bytes = bytesFrom(given, "--identity");
  // libzmq keeps ids with a leading zero for those it makes up itself.
  if (bytes.length > 0 && bytes.length <= LONGEST_IDENTITY && bytes[0] !== 0) return bytes;
  throw usageError(`--identity takes 1 to ${LONGEST_IDENTITY} bytes, the first of them not zero`);
}

function bytesFrom(given: string, flag: string): Uint8Array {
  if (!given.startsWith(HEX)) return Buffer.from(given);
  const digits = given.slice(HEX.length);
  if (/^(?:[\da-f]{2})*$/i.test(digits)) return Buffer.from(digits, "hex");
  throw usageError(`${flag} ${given}: hex: is followed by two digits, 0 to 9 and a to f, for each byte`);
}

/** A line for each frame, behind an arrow. */
export function frameLines(arrow: string, frames: Body): string {
  return frames
    .map((frame, index) => {
      const text = frame.length === 0 ? "(0 bytes)" : rawText(frame);
      return `${arrow} [${index + 1}/${frames.length}] ${text}`;
    })
    .join("\n");
}
