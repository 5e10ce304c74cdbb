/** The beginning of what may be large, copied: whoever keeps it keeps nothing else. */
import type { Body } from "../../codecs/codec.ts";
import { textFrom } from "../../show.ts";
import { bytesOf } from "../../wire/limits.ts";
import type { Excerpt } from "../../wire/page.ts";

/** Bytes of each body. */
export const EXCERPT_BYTES = 300;

export function excerptOf(body: Body): Excerpt {
  const parts: Buffer[] = [];
  let kept = 0;
  for (const frame of body) {
    if (kept >= EXCERPT_BYTES) break;
    const part = frame.subarray(0, EXCERPT_BYTES - kept);
    parts.push(Buffer.from(part));
    kept += part.length;
  }
  const bytes = Buffer.concat(parts);
  const cut = bytesOf(body) > kept;
  const text = textFrom(cut ? wholeCharacters(bytes) : bytes);
  // What is mostly structure says nothing as characters.
  return text === undefined || /(?![\t\n\r])\p{Cc}/u.test(text)
    ? { form: "hex", text: bytes.toString("hex"), cut }
    : { form: "text", text, cut };
}

/** Without the last character, if UTF-8 was cut in the middle of it. */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return wanted > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
