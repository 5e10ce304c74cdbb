/** What goes before the body of a call by name. */
import type { Body } from "../codecs/codec.ts";
import type { Metadata } from "../handler.ts";
import { checkMetadata, LONGEST_TIMEOUT_MS, NO_METADATA } from "../wire/json-frames.ts";
import { writeRequest } from "../wire/zep.ts";

/** Keeps the last head, since a client's calls are mostly alike, and to write one costs as much as to send a small body. */
export function createHeads(codec: string): (handler: string, given: Metadata, expiresAt: number) => Body {
  let last: { readonly handler: string; readonly left: number; readonly frames: Body } | undefined;

  return (handler, given, expiresAt) => {
    const left = Math.min(Math.max(1, Math.ceil(expiresAt - performance.now())), LONGEST_TIMEOUT_MS);
    if (given === NO_METADATA && last?.handler === handler && last.left === left) return last.frames;
    const metadata = { "timeout-ms": String(left), ...given };
    checkMetadata(metadata);
    const frames = writeRequest({ verb: "call", handler, codec, metadata, body: [] });
    if (given === NO_METADATA) last = { handler, left, frames };
    return frames;
  };
}
