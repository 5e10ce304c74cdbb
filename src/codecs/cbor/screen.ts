/**
 * Reads CBOR (RFC 8949) before cbor-x does: refuses what is not well-formed, what the value model has no place for, and
 * what would cost more than its size; writes anew the few things that cbor-x misreads. Not recursive.
 */
import type { Screened } from "../bind.ts";
import type { CodecLimits } from "../codec.ts";
import { endedEarly, expectNoProto } from "../screening/bytes.ts";
import { createRewrite } from "../screening/rewrite.ts";
import { type CborScan, MAJOR, OPEN, readHead, readString, replaceString, stringContent } from "./items.ts";
import { CONTENT_OF_DROPPED_TAGS, readTagged } from "./tags.ts";

/** Throws a plain Error for bytes that are refused. `items` of the result counts values; the keys of maps are none. */
export function screenCbor(bytes: Uint8Array, limits: CodecLimits): Screened {
  const scan: CborScan = { bytes, rewrite: createRewrite(bytes), major: 0, info: 0, argument: 0 };
  // Of each container that is open: how many values are to come, Infinity until a break; and whether each has a key.
  const toCome: number[] = [];
  const keyed: boolean[] = [];
  let items = 0;
  let at = 0;
  for (;;) {
    items++;
    const start = dropTags(scan, at, limits);
    at = readHead(scan, start);
    if (scan.major === MAJOR.array || scan.major === MAJOR.map) {
      if (toCome.length >= limits.maxDepth) throw new Error(`nested deeper than ${limits.maxDepth}`);
      toCome.push(valuesToCome(scan, at));
      keyed.push(scan.major === MAJOR.map);
    } else {
      at = readLeaf(scan, start, at);
    }

    let top = toCome.length - 1;
    while (top >= 0 && (toCome[top] === 0 || (toCome[top] === Number.POSITIVE_INFINITY && bytes[at] === 0xff))) {
      if (toCome.pop() !== 0) at++;
      keyed.pop();
      top--;
    }
    if (top < 0) break;
    toCome[top] = (toCome[top] ?? 0) - 1;
    if (keyed[top] === true) at = readKey(scan, at);
  }
  if (at < bytes.length) throw new Error(`it ends at byte ${at}, and more follows`);
  return { bytes: scan.rewrite.finish(), items };
}

/** Takes out the tags in front of the item at `at` that say nothing to us, and returns where the item itself starts. */
function dropTags(scan: CborScan, at: number, limits: CodecLimits): number {
  let start = at;
  let tags = 0;
  while (scan.bytes[start] !== undefined && (scan.bytes[start] ?? 0) >> 5 === MAJOR.tag) {
    const contentAt = readHead(scan, start);
    const tag = scan.argument;
    if (!CONTENT_OF_DROPPED_TAGS.has(tag)) break;
    if (++tags > limits.maxDepth) throw new Error(`nested deeper than ${limits.maxDepth}`);
    const major = CONTENT_OF_DROPPED_TAGS.get(tag);
    if (major !== undefined && (scan.bytes[contentAt] ?? 0) >> 5 !== major) {
      throw new Error(`tag ${tag} at byte ${start} is on the wrong kind of content`);
    }
    start = contentAt;
  }
  if (start > at) scan.rewrite.replace(at, start, []);
  return start;
}

/** Refuses at once a container that says it holds more than there are bytes, before anybody makes room for it. */
function valuesToCome(scan: CborScan, at: number): number {
  if (scan.info === OPEN) return Number.POSITIVE_INFINITY;
  const bytesEach = scan.major === MAJOR.map ? 2 : 1;
  if (scan.argument * bytesEach > scan.bytes.length - at) throw endedEarly(scan.bytes);
  return scan.argument;
}

function readLeaf(scan: CborScan, start: number, at: number): number {
  switch (scan.major) {
    case MAJOR.integer:
    case MAJOR.negative:
      return at;
    case MAJOR.bytes:
    case MAJOR.text:
      return readString(scan, start, at);
    case MAJOR.tag:
      return readTagged(scan, start, at);
    default:
      return readSimple(scan, start, at);
  }
}

/** false, true, null, undefined, and floats of three sizes. */
function readSimple(scan: CborScan, start: number, at: number): number {
  if (scan.info < 20 || scan.info === 24) throw new Error(`the simple value at byte ${start} has no meaning`);
  if (scan.info === 23) scan.rewrite.replace(start, at, [NULL]);
  return at;
}

const NULL = 0xf6;

function readKey(scan: CborScan, start: number): number {
  const at = readHead(scan, start);
  if (scan.major === MAJOR.integer || scan.major === MAJOR.negative) return at;
  if (scan.major !== MAJOR.text) throw new Error(`the key at byte ${start} is neither text nor an integer`);
  if (scan.info === OPEN) {
    const { content, end } = stringContent(scan, at);
    expectNoProto(content, 0, content.length);
    replaceString(scan, start, end, MAJOR.text, content);
    return end;
  }
  const end = readString(scan, start, at);
  expectNoProto(scan.bytes, at, end);
  return end;
}
