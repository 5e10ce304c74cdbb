/** What the screens of binary formats share: reading bytes that may not be there, and text that may not be UTF-8. */
import { isUtf8 } from "node:buffer";

/** The byte at `at`; throws where the message ends before. */
export function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw endedEarly(bytes);
  return byte;
}

/** The error for a message that ends before what it announces. */
export function endedEarly(bytes: Uint8Array): Error {
  return new Error(`it ends too early, at byte ${bytes.length}`);
}

/** Throws if `bytes[from, to)` is not UTF-8 (RFC 3629). */
export function expectUtf8(bytes: Uint8Array, from: number, to: number): void {
  let at = from;
  // Most text is short and ASCII, for which a loop is faster than a call into native code.
  const ascii = Math.min(to, from + 64);
  while (at < ascii && (bytes[at] ?? 0) < 0x80) at++;
  if (at < to && !isUtf8(bytes.subarray(at, to))) throw new Error(`text at byte ${from} is not UTF-8`);
}

/** U+FEFF in UTF-8. */
export const BOM = [0xef, 0xbb, 0xbf] as const;

/**
 * Whether text starts with U+FEFF, which there is a character like any other. Decoders that use TextDecoder for long text
 * drop it, so it has to stand twice for them.
 */
export function startsWithBom(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === BOM[0] && bytes[at + 1] === BOM[1] && bytes[at + 2] === BOM[2];
}

const PROTO = new TextEncoder().encode("__proto__");

/** Throws if `bytes[from, to)` is `__proto__`, the one key that no object may have. */
export function expectNoProto(bytes: Uint8Array, from: number, to: number): void {
  if (to - from !== PROTO.length || bytes[from] !== PROTO[0]) return;
  if (PROTO.every((byte, index) => bytes[from + index] === byte)) throw new Error('the key "__proto__" is not allowed');
}
