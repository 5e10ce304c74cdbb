/** The frames of ZEP/1 that hold JSON: metadata and details, small objects beside a body. Specified in docs/protocol.md. */
import { type JsonObject, ZmqEchoError } from "../errors.ts";
import type { Metadata } from "../handler.ts";
import { shorten } from "../wording.ts";

/** Metadata and details, as bytes of JSON. */
export const MAX_JSON_BYTES = 8192;
/** The longest deadline that metadata can ask for, in milliseconds. */
export const LONGEST_TIMEOUT_MS = 999_999_999;
/** The one that most calls have; told from others by identity. */
export const NO_METADATA: Metadata = Object.freeze({});
const EMPTY = Buffer.alloc(0);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws `invalid_argument` for a `timeout-ms` or `request-id` that can't be acted upon; the other names are free. */
export function checkMetadata(metadata: Metadata): void {
  const timeout = metadata["timeout-ms"];
  if (timeout !== undefined && !(/^[1-9]\d*$/.test(timeout) && Number(timeout) <= LONGEST_TIMEOUT_MS)) {
    throw malformed(
      `metadata timeout-ms takes milliseconds as a positive integer, not ${JSON.stringify(shorten(timeout))}`,
    );
  }
  const requestId = metadata["request-id"];
  if (requestId !== undefined && !/^[\x21-\x7e]{1,128}$/.test(requestId)) {
    throw malformed("metadata request-id takes 1 to 128 printable ASCII characters without spaces");
  }
}

/** Throws `invalid_argument` for what is no object of texts, or asks for what can't be done. */
export function parseMetadata(frame: Uint8Array): Metadata {
  const metadata = parseJsonObject(frame, "metadata");
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string")
      throw malformed(`metadata ${JSON.stringify(shorten(key))} takes a text, not ${kindOf(value)}`);
  }
  checkMetadata(metadata as Metadata);
  return metadata as Metadata;
}

/** Throws `invalid_argument` for more than {@link MAX_JSON_BYTES}; an empty one is an empty frame. */
export function writeMetadata(metadata: Metadata): Uint8Array {
  if (metadata === NO_METADATA) return EMPTY;
  const frame = Buffer.from(JSON.stringify(metadata));
  if (frame.length > MAX_JSON_BYTES)
    throw malformed(`metadata has ${frame.length} bytes as JSON; ${MAX_JSON_BYTES} at most`);
  return frame.length === 2 ? EMPTY : frame;
}

/** Details that are too large give way: an error must arrive. */
export function writeDetails(details: JsonObject): Uint8Array {
  const frame = Buffer.from(JSON.stringify(details));
  if (frame.length <= MAX_JSON_BYTES) return frame;
  return Buffer.from(
    JSON.stringify({ requestId: details.requestId ?? null, detailsDropped: `over ${MAX_JSON_BYTES} bytes` }),
  );
}

/** Throws `invalid_argument`. @param what how errors call it */
export function parseJsonObject(frame: Uint8Array, what: string): JsonObject {
  if (frame.length === 0) return {};
  if (frame.length > MAX_JSON_BYTES) throw malformed(`${what} has ${frame.length} bytes; ${MAX_JSON_BYTES} at most`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(textFrom(frame, what));
  } catch (error) {
    throw ZmqEchoError.from(error, "invalid_argument", `${what} is no JSON object`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw malformed(`${what} is no JSON object`);
  if (Object.hasOwn(parsed, "__proto__")) throw malformed(`${what} has a key __proto__`);
  return parsed as JsonObject;
}

/** Throws `invalid_argument` for what is not UTF-8. */
export function textFrom(frame: Uint8Array, what: string): string {
  try {
    return utf8.decode(frame);
  } catch {
    throw malformed(`${what} is not UTF-8`);
  }
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** What a peer sent can't be read. */
export function malformed(message: string): ZmqEchoError {
  return new ZmqEchoError("invalid_argument", message);
}
