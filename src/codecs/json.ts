/** JSON, RFC 8259. */
import { createRequire } from "node:module";
import type { Screened, WalkedCodec } from "./bind.ts";
import type { CodecLimits } from "./codec.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** From here on brackets are counted before JSON.parse makes an object of each: deep nonsense would cost 90 MB a message. */
const LARGE_BYTES = 16 * 1024;

/** Up to here a parse error without a position is looked at again, to find it. */
const LOCATABLE_CHARACTERS = 64 * 1024;

/** Bytes are written as base64, bigints as decimal text, dates as ISO 8601. Reading turns none of these back. */
export function createJsonCodec(name: string): WalkedCodec {
  return {
    name,
    conversions: {
      encode: { bytesAsBase64: true, bigintsAsText: true, datesAsText: true, finite: true },
      decode: { finite: true },
    },
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => parse(utf8Text(bytes)),
    screen(bytes, limits): Screened {
      if (bytes.length >= LARGE_BYTES) expectDepth(bytes, limits);
      return { bytes };
    },
  };
}

function utf8Text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new Error("it is not UTF-8", { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(syntaxErrorText(text, error), { cause: error });
  }
}

/** V8 gives either a position or a piece of the text; a stranger's text is not for our logs, and a position helps more. */
function syntaxErrorText(text: string, error: unknown): string {
  if (text.trim() === "") return "it is empty";
  const message = error instanceof Error ? error.message : "";
  if (message.startsWith("Unexpected end")) return `it ends too early, at position ${text.length}`;
  const position = /at position (\d+)/.exec(message)?.[1] ?? positionOfError(text);
  return position === undefined ? "it is not JSON" : `it is not JSON from position ${position} on`;
}

function positionOfError(text: string): number | undefined {
  if (text.length > LOCATABLE_CHARACTERS) return undefined;
  const jsonc: typeof import("jsonc-parser") = createRequire(import.meta.url)("jsonc-parser");
  const errors: import("jsonc-parser").ParseError[] = [];
  try {
    jsonc.parse(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch {
    // It is recursive, so deep text can exhaust its stack; the error is reported all the same.
  }
  return errors[0]?.offset;
}

/** Throws once brackets outside strings stand deeper than `maxDepth`. Whether they match is the parser's business. */
function expectDepth(bytes: Uint8Array, limits: CodecLimits): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limits.maxDepth) throw new Error(`nested deeper than ${limits.maxDepth}`);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}
