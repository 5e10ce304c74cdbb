/** Values and bytes for people and for pipes. */
import type { Body } from "./codecs/codec.ts";
import type { Value } from "./handler.ts";
import { printable } from "./printable.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes, or undefined if they are not UTF-8. */
export function textFrom(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A value as JSON that jq reads: bytes as base64, big integers as decimal text, dates as ISO, NaN and infinities as text. */
export function jsonText(value: Value): string {
  return JSON.stringify(value, function replace(this: Record<string, unknown>, key: string, shown: unknown) {
    // Buffers and dates have turned themselves into something else by the time they are handed over.
    const real = this[key];
    if (real instanceof Uint8Array) return Buffer.from(real).toString("base64");
    if (typeof real === "bigint") return real.toString();
    if (typeof real === "number" && !Number.isFinite(real)) return String(real);
    return shown;
  });
}

/** One raw frame for people: its text if it is some, else its bytes in hex. */
export function rawText(frame: Uint8Array): string {
  const text = textFrom(frame);
  return text === undefined ? `(${frame.length} bytes) ${Buffer.from(frame).toString("hex")}` : printable(text);
}

/** The frames of a raw body for people. */
export function rawBodyText(body: Body): string {
  return body.length === 1 && body[0] !== undefined
    ? rawText(body[0])
    : `(${body.length} frames) ${body.map(rawText).join(" | ")}`;
}

/** The frames of a raw body as JSON: texts, or base64 for all if one is not UTF-8; several are an array. */
export function rawValue(body: Body): { readonly text: string; readonly encoding?: "base64" } {
  const texts = body.map(textFrom);
  const isText = texts.every((text) => text !== undefined);
  const values = isText ? texts : body.map((frame) => Buffer.from(frame).toString("base64"));
  const text = JSON.stringify(values.length === 1 ? values[0] : values);
  return isText ? { text } : { text, encoding: "base64" };
}

/** Lines of offset, sixteen bytes in hex, and their characters, as `hexdump -C` has them. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const row = Array.from(bytes.subarray(offset, offset + 16));
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const characters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${offset.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  |${characters}|`);
  }
  return lines.join("\n");
}
