/** The tags of CBOR that mean something here: RFC 8949, section 3.4. */
import { type CborScan, doubleItem, exactArgument, MAJOR, OPEN, readHead, stringContent } from "./items.ts";

/** Bytes of a bignum. cbor-x needs time by the square of its length; 2048 bits are as many as a key of RSA has. */
const MAX_BIGNUM_BYTES = 256;

/** The bignums on both ends that {@link MAX_BIGNUM_BYTES} leaves. */
export const BIGNUM_RANGE = { min: -(1n << 2048n), max: (1n << 2048n) - 1n } as const;

/** RFC 3339 allows any number of digits below a second. */
const MAX_DATE_BYTES = 64;

const OPEN_BYTES = (MAJOR.bytes << 5) | OPEN;

const ANY = undefined;

/**
 * Tags that only comment on their content, which takes their place, with the major type it has to have: expected base64url,
 * base64, base16 (21 to 23), embedded CBOR (24), URI, base64url, base64, regular expression, MIME (32 to 36), bytes as an
 * array of uint8 (64, RFC 8746), and "this is CBOR" (55799).
 */
export const CONTENT_OF_DROPPED_TAGS: ReadonlyMap<number, number | undefined> = new Map([
  [21, ANY],
  [22, ANY],
  [23, ANY],
  [24, MAJOR.bytes],
  [32, MAJOR.text],
  [33, MAJOR.text],
  [34, MAJOR.text],
  [35, MAJOR.text],
  [36, MAJOR.text],
  [64, MAJOR.bytes],
  [55799, ANY],
]);

/**
 * Reads the content of the tag whose head is the last one read, from `start` to `at`, and returns where it ends. What
 * cbor-x takes for something else is written anew: dates in text, dates of 64-bit integers, fractions.
 */
export function readTagged(scan: CborScan, start: number, at: number): number {
  const tag = scan.argument;
  switch (tag) {
    case 0:
      return readTextDate(scan, start, at);
    case 1:
      return readNumberDate(scan, start, at);
    case 2:
    case 3:
      return readInteger(scan, at);
    case 4:
    case 5:
      return readFraction(scan, start, at, tag);
    default:
      throw new Error(`tag ${tag} at byte ${start} has no place here`);
  }
}

function readTextDate(scan: CborScan, start: number, at: number): number {
  const contentAt = readHead(scan, at);
  if (scan.major !== MAJOR.text) throw new Error(`tag 0 at byte ${start} is on no text`);
  const { content, end } = stringContent(scan, contentAt, MAX_DATE_BYTES);
  const milliseconds = dateFromRfc3339(Buffer.from(content).toString());
  if (Number.isNaN(milliseconds)) throw new Error(`tag 0 at byte ${start} is on no date and time of RFC 3339`);
  replaceWithDate(scan, start, end, milliseconds / 1000);
  return end;
}

function readNumberDate(scan: CborScan, start: number, at: number): number {
  const end = readHead(scan, at);
  if (scan.major === MAJOR.integer) replaceWithDate(scan, start, end, scan.argument);
  else if (scan.major === MAJOR.negative) replaceWithDate(scan, start, end, -1 - scan.argument);
  else if (scan.major !== MAJOR.simple || scan.info < 25) throw new Error(`tag 1 at byte ${start} is on no number`);
  return end;
}

function replaceWithDate(scan: CborScan, start: number, end: number, seconds: number): void {
  scan.rewrite.replace(start, end, [0xc1]);
  scan.rewrite.replace(end, end, doubleItem(seconds));
}

function readInteger(scan: CborScan, at: number): number {
  const { content, end } = readBignum(scan, at);
  if (scan.bytes[at] === OPEN_BYTES) {
    scan.rewrite.replace(at, end, [(MAJOR.bytes << 5) | 25, content.length >> 8, content.length]);
    scan.rewrite.replace(end, end, content);
  }
  return end;
}

/** Reads the content of tag 2 or 3, whose head is the last one read. */
function readBignum(scan: CborScan, at: number): { content: Uint8Array; end: number } {
  const contentAt = readHead(scan, at);
  if (scan.major !== MAJOR.bytes) throw new Error(`the bignum at byte ${at} is no byte string`);
  return stringContent(scan, contentAt, MAX_BIGNUM_BYTES);
}

function bignumFrom(content: Uint8Array, negative: boolean): bigint {
  const magnitude = content.length === 0 ? 0n : BigInt(`0x${Buffer.from(content).toString("hex")}`);
  return negative ? -1n - magnitude : magnitude;
}

/** Tag 4, `mantissa * 10^exponent`, or 5, `mantissa * 2^exponent`, as the nearest double. */
function readFraction(scan: CborScan, start: number, at: number, tag: 4 | 5): number {
  const wrong = () => new Error(`tag ${tag} at byte ${start} is on no pair of integers`);
  const exponentAt = readHead(scan, at);
  const open = scan.info === OPEN;
  if (scan.major !== MAJOR.array || (!open && scan.argument !== 2)) throw wrong();

  const mantissaAt = readHead(scan, exponentAt);
  if (scan.major > MAJOR.negative) throw wrong();
  const exponent = scan.major === MAJOR.negative ? -1 - scan.argument : scan.argument;

  let end = readHead(scan, mantissaAt);
  let mantissa: bigint;
  if (scan.major === MAJOR.tag && (scan.argument === 2 || scan.argument === 3)) {
    const negative = scan.argument === 3;
    const bignum = readBignum(scan, end);
    mantissa = bignumFrom(bignum.content, negative);
    end = bignum.end;
  } else if (scan.major <= MAJOR.negative) {
    const argument = exactArgument(scan, end);
    mantissa = scan.major === MAJOR.negative ? -1n - argument : argument;
  } else {
    throw wrong();
  }
  if (open && scan.bytes[end++] !== 0xff) throw wrong();

  const value = tag === 4 ? Number(`${mantissa}e${exponent}`) : scaledByTwo(mantissa, exponent);
  if (!Number.isFinite(value)) throw new Error(`the fraction at byte ${start} is beyond the range of a double`);
  scan.rewrite.replace(start, end, doubleItem(value));
  return end;
}

/** `mantissa * 2^exponent`, rounded once: to 53 bits, or fewer where a double has no more. Neither factor has to fit by itself. */
function scaledByTwo(mantissa: bigint, exponent: number): number {
  const magnitude = mantissa < 0n ? -mantissa : mantissa;
  if (magnitude === 0n) return 0;
  const bits = magnitude.toString(2).length;
  if (bits + exponent < SMALLEST_EXPONENT) return mantissa < 0n ? -0 : 0;
  const dropped = Math.max(bits - 53, SMALLEST_EXPONENT - exponent, 0);
  const kept = magnitude >> BigInt(dropped);
  const rest = magnitude - (kept << BigInt(dropped));
  const half = dropped === 0 ? 1n : 1n << BigInt(dropped - 1);
  const isUp = rest > half || (rest === half && (kept & 1n) === 1n);
  const value = Number(isUp ? kept + 1n : kept) * 2 ** (exponent + dropped);
  return mantissa < 0n ? -value : value;
}

/** Of the last bit that a double has: 2^-1074 is the least it can hold. */
const SMALLEST_EXPONENT = -1074;

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970, cut off below; NaN for what is no date-time of RFC 3339, and for leap seconds. */
function dateFromRfc3339(text: string): number {
  const upper = text.toUpperCase();
  const [, year, month, day] = RFC_3339.exec(upper) ?? [];
  // Date.parse takes the 30th of February for the 2nd of March. 2000 + y has the leap years of y, and no years below 100.
  const exists = Number(day) <= 28 || Number(day) <= daysOf(2000 + Number(year), Number(month));
  return exists ? Date.parse(upper) : Number.NaN;
}

function daysOf(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
