/** The parts of CBOR's screen that read one thing: the head of a data item, or a string. RFC 8949, section 3. */
import { BOM, byteAt, endedEarly, expectUtf8, startsWithBom } from "../screening/bytes.ts";
import type { Rewrite } from "../screening/rewrite.ts";

export const MAJOR: Readonly<
  Record<"integer" | "negative" | "bytes" | "text" | "array" | "map" | "tag" | "simple", number>
> = { integer: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 };

/** The additional information of an item whose length is open; in major type 7 it is the break. */
export const OPEN = 31;

/** cbor-x reads text of more bytes through TextDecoder. */
const LONG_TEXT_BYTES = 64;

/** A message being screened, and the head that was read last. */
export interface CborScan {
  readonly bytes: Uint8Array;
  readonly rewrite: Rewrite;
  major: number;
  /** The additional information: the value up to 23, or how many bytes hold it (24 to 27), or {@link OPEN}. */
  info: number;
  /** Value, length, or number of a tag; exact up to 2^53. 0 where the length is open. */
  argument: number;
}

/** Reads the head at `at` into `scan` and returns where its content starts. */
export function readHead(scan: CborScan, at: number): number {
  const { bytes } = scan;
  const first = byteAt(bytes, at);
  const info = first & 31;
  scan.major = first >> 5;
  scan.info = info;
  if (info < 24) {
    scan.argument = info;
    return at + 1;
  }
  if (info === OPEN) {
    scan.argument = 0;
    if (scan.major === MAJOR.simple) throw new Error(`a break at byte ${at} that ends nothing`);
    if (scan.major < MAJOR.bytes || scan.major === MAJOR.tag) throw new Error(`reserved byte at ${at}`);
    return at + 1;
  }
  if (info > 27) throw new Error(`reserved byte at ${at}`);
  const size = 1 << (info - 24);
  let argument = 0;
  for (let index = 1; index <= size; index++) argument = argument * 256 + byteAt(bytes, at + index);
  scan.argument = argument;
  return at + 1 + size;
}

/** The last head's argument, exact beyond 2^53 too; `end` is where its content starts. */
export function exactArgument(scan: CborScan, end: number): bigint {
  if (Number.isSafeInteger(scan.argument)) return BigInt(scan.argument);
  return new DataView(scan.bytes.buffer, scan.bytes.byteOffset + end - 8, 8).getBigUint64(0);
}

/** A number as a double, for cbor-x. */
export function doubleItem(value: number): Uint8Array {
  const item = new Uint8Array(9);
  item[0] = 0xfb;
  new DataView(item.buffer).setFloat64(1, value);
  return item;
}

/** Where the content of the last head ends; throws if the message ends first. */
function endOfContent(scan: CborScan, at: number): number {
  if (scan.argument > scan.bytes.length - at) throw endedEarly(scan.bytes);
  return at + scan.argument;
}

/** Passes over the string whose head is the last one read, from `start` to `at`, and returns where it ends. */
export function readString(scan: CborScan, start: number, at: number): number {
  const { major } = scan;
  if (scan.info === OPEN) {
    const { content, end } = joinChunks(scan, at);
    replaceString(scan, start, end, major, content);
    return end;
  }
  const end = endOfContent(scan, at);
  if (major === MAJOR.text) {
    expectUtf8(scan.bytes, at, end);
    if (end - at > LONG_TEXT_BYTES && startsWithBom(scan.bytes, at)) {
      replaceString(scan, start, end, major, scan.bytes.subarray(at, end));
    }
  }
  return end;
}

/** The content of the string whose head is the last one read, its chunks joined, and where it ends; throws over `atMost` bytes. */
export function stringContent(
  scan: CborScan,
  at: number,
  atMost = Number.POSITIVE_INFINITY,
): { content: Uint8Array; end: number } {
  if (scan.argument > atMost) throw tooLong(at, atMost);
  if (scan.info === OPEN) return joinChunks(scan, at, atMost);
  const end = endOfContent(scan, at);
  if (scan.major === MAJOR.text) expectUtf8(scan.bytes, at, end);
  return { content: scan.bytes.subarray(at, end), end };
}

/** Chunks are strings of the same type and of known length; each chunk of text is UTF-8 by itself. */
function joinChunks(
  scan: CborScan,
  first: number,
  atMost = Number.POSITIVE_INFINITY,
): { content: Uint8Array; end: number } {
  const { bytes, major } = scan;
  let length = 0;
  let at = first;
  while (byteAt(bytes, at) !== 0xff) {
    const content = readHead(scan, at);
    if (scan.major !== major || scan.info === OPEN) throw new Error(`no chunk of the string at byte ${at}`);
    at = endOfContent(scan, content);
    if (major === MAJOR.text) expectUtf8(bytes, content, at);
    length += scan.argument;
    if (length > atMost) throw tooLong(first, atMost);
  }
  const end = at + 1;
  const content = new Uint8Array(length);
  let filled = 0;
  for (at = first; filled < length; ) {
    at = readHead(scan, at);
    // Byte by byte: chunks can be tiny and many, and a view of each would cost more than its bytes.
    for (const chunkEnd = at + scan.argument; at < chunkEnd; at++) content[filled++] = bytes[at] ?? 0;
  }
  return { content, end };
}

function tooLong(at: number, atMost: number): Error {
  return new Error(`the content at byte ${at} is longer than ${atMost} bytes`);
}

/** Writes a string with its length, and a leading U+FEFF twice where cbor-x would drop one. */
export function replaceString(scan: CborScan, start: number, end: number, major: number, content: Uint8Array): void {
  const bom = major === MAJOR.text && content.length > LONG_TEXT_BYTES && startsWithBom(content, 0) ? BOM : [];
  const length = bom.length + content.length;
  scan.rewrite.replace(start, end, [(major << 5) | 26, length >>> 24, length >>> 16, length >>> 8, length]);
  scan.rewrite.replace(end, end, bom);
  scan.rewrite.replace(end, end, content);
}
