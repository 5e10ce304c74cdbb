/**
 * Reads MessagePack before @msgpack/msgpack does, which makes room for any length it is told, takes bad UTF-8 for U+FFFD
 * and unknown extensions for objects. Not recursive.
 */
import type { Screened } from "../bind.ts";
import type { CodecLimits } from "../codec.ts";
import { BOM, byteAt, endedEarly, expectNoProto, expectUtf8, startsWithBom } from "../screening/bytes.ts";
import { createRewrite } from "../screening/rewrite.ts";

/** The library reads text of more bytes through TextDecoder. */
const LONG_TEXT_BYTES = 200;

const TIMESTAMP = 0xff;
const MAX_NANOSECONDS = 999_999_999;

type Kind = "text" | "bytes" | "extension" | "array" | "map" | "integer" | "other";

/** What a first byte says: how many bytes of length follow, or the length or count itself. */
interface Format {
  readonly kind: Kind;
  /** Bytes after the first that hold the length or count. */
  readonly lengthBytes: number;
  /** The length or count where the first byte has it. */
  readonly length: number;
}

const FORMATS: readonly (Format | undefined)[] = Array.from({ length: 256 }, (_, byte) => formatOf(byte));

/** Throws a plain Error for bytes that are refused. `items` of the result counts values; the keys of maps are none. */
export function screenMsgpack(bytes: Uint8Array, limits: CodecLimits): Screened {
  const rewrite = createRewrite(bytes);
  const toCome: number[] = [];
  const keyed: boolean[] = [];
  let items = 0;
  let at = 0;
  let isKey = false;
  let hasBytes = false;
  for (;;) {
    const start = at;
    const format = FORMATS[byteAt(bytes, start)];
    if (format === undefined) throw new Error(`byte ${start} is 0xc1, which has no meaning`);
    const { kind } = format;
    let length = format.length;
    at = start + 1;
    for (const end = at + format.lengthBytes; at < end; at++) length = length * 256 + byteAt(bytes, at);

    if (isKey && kind !== "text" && kind !== "integer") {
      throw new Error(`the key at byte ${start} is neither text nor an integer`);
    }
    if (kind === "array" || kind === "map") {
      if (toCome.length >= limits.maxDepth) throw new Error(`nested deeper than ${limits.maxDepth}`);
      if (length * (kind === "map" ? 2 : 1) > bytes.length - at) throw endedEarly(bytes);
      toCome.push(length);
      keyed.push(kind === "map");
    } else {
      const content = kind === "extension" ? at + 1 : at;
      const end = content + length;
      if (end > bytes.length) throw endedEarly(bytes);
      if (kind === "text") {
        expectUtf8(bytes, content, end);
        if (isKey) expectNoProto(bytes, content, end);
        if (length > LONG_TEXT_BYTES && startsWithBom(bytes, content)) {
          const longer = length + BOM.length;
          rewrite.replace(start, content, [0xdb, longer >>> 24, longer >>> 16, longer >>> 8, longer, ...BOM]);
        }
      } else if (kind === "extension") {
        expectTimestamp(bytes, at, length);
      } else if (kind === "bytes") {
        hasBytes = true;
      }
      at = end;
    }

    if (isKey) {
      isKey = false;
      continue;
    }
    items++;
    let top = toCome.length - 1;
    while (top >= 0 && toCome[top] === 0) {
      toCome.pop();
      keyed.pop();
      top--;
    }
    if (top < 0) break;
    toCome[top] = (toCome[top] ?? 0) - 1;
    isKey = keyed[top] === true;
  }
  if (at < bytes.length) throw new Error(`it ends at byte ${at}, and more follows`);
  const screened = rewrite.finish();
  // The library gives byte strings as views of what it reads, and a message, or the batch it came in, is not the handler's.
  return { bytes: hasBytes && screened === bytes ? Uint8Array.from(screened) : screened, items };
}

/** The one extension the specification defines: type -1 in 4, 8 or 12 bytes, nanoseconds below a second. */
function expectTimestamp(bytes: Uint8Array, at: number, length: number): void {
  const type = byteAt(bytes, at);
  if (type !== TIMESTAMP) throw new Error(`the extension of type ${(type << 24) >> 24} at byte ${at} is unknown`);
  if (length !== 4 && length !== 8 && length !== 12) {
    throw new Error(`the timestamp at byte ${at} has ${length} bytes, not 4, 8 or 12`);
  }
  if (length === 4) return;
  const word = new DataView(bytes.buffer, bytes.byteOffset + at + 1, 4).getUint32(0);
  if ((length === 8 ? word >>> 2 : word) > MAX_NANOSECONDS) {
    throw new Error(`the timestamp at byte ${at} has more nanoseconds than a second`);
  }
}

function formatOf(byte: number): Format | undefined {
  const fixed = (kind: Kind, length: number): Format => ({ kind, lengthBytes: 0, length });
  const sized = (kind: Kind, first: number): Format => ({ kind, lengthBytes: 1 << (byte - first), length: 0 });
  if (byte <= 0x7f || byte >= 0xe0) return fixed("integer", 0);
  if (byte <= 0x8f) return fixed("map", byte - 0x80);
  if (byte <= 0x9f) return fixed("array", byte - 0x90);
  if (byte <= 0xbf) return fixed("text", byte - 0xa0);
  if (byte === 0xc1) return undefined;
  if (byte <= 0xc3) return fixed("other", 0); // nil, false, true
  if (byte <= 0xc6) return sized("bytes", 0xc4);
  if (byte <= 0xc9) return sized("extension", 0xc7);
  if (byte <= 0xcb) return fixed("other", byte === 0xca ? 4 : 8); // floats
  if (byte <= 0xcf) return fixed("integer", 1 << (byte - 0xcc));
  if (byte <= 0xd3) return fixed("integer", 1 << (byte - 0xd0));
  if (byte <= 0xd8) return fixed("extension", 1 << (byte - 0xd4));
  if (byte <= 0xdb) return sized("text", 0xd9);
  return byte <= 0xdd ? sized16("array", byte - 0xdc) : sized16("map", byte - 0xde);
}

function sized16(kind: Kind, wider: number): Format {
  return { kind, lengthBytes: 2 << wider, length: 0 };
}
