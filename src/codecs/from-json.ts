/** A body as people write it: JSON text, for every codec but raw. */
import { textOf, ZmqEchoError } from "../errors.ts";
import { textFrom } from "../show.ts";
import type { Codec } from "./codec.ts";
import { parseExactly } from "./exact-json.ts";

/**
 * The value that JSON text stands for (protobuf: by the ProtoJSON rules). Throws `invalid_argument` for what is none, and
 * for what the codec would carry as something else.
 * @param what how errors call it
 */
export function valueFromJson(bytes: Uint8Array, codec: Codec, what: string): unknown {
  const text = textFrom(bytes);
  if (text === undefined) throw bad(`${what} is not UTF-8; the codec ${codec.name} takes JSON text`);
  let json: unknown;
  try {
    json = parseExactly(text);
  } catch (error) {
    if (error instanceof RangeError) throw bad(`${what}: ${error.message}`);
    const hint = PLAIN_WORDS.test(text) ? `; for a text, quote it twice: '"${text}"'` : "";
    throw bad(`${what} is no JSON, which the codec ${codec.name} takes: ${textOf(error)}${hint}`);
  }
  const value = codec.fromJson(json);
  // What is shown must be what is sent: json would make text of it.
  if (codec.writesBigintsAsText && /\d{16}/.test(text) && hasBigint(value)) {
    throw bad(`${what} has an integer outside ±(2^53-1), which ${codec.name} carries as text only; quote it`);
  }
  return value;
}

function hasBigint(value: unknown): boolean {
  if (typeof value === "bigint") return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasBigint);
}

/** What somebody who knows no JSON would write for a text; anything else was meant as JSON. */
const PLAIN_WORDS = /^\p{L}[\p{L}\p{N} .,!?-]{0,39}$/u;

function bad(message: string): ZmqEchoError {
  return new ZmqEchoError("invalid_argument", message);
}
