/**
 * `ZEP1 batch` as a client uses it: calls that leave together travel as one message, once the server has said that it takes
 * such. Until then, and for ever with one that does not, each goes by itself.
 */
import type { Body } from "../codecs/codec.ts";
import { BATCH_LIMITS, type BatchItem, type BatchLimits, packedSize, unpackBatch } from "../wire/batch.ts";
import { packedIn, parseReply, writeRequest } from "../wire/zep.ts";

/** Asks whether a server takes batches. */
export const BATCH_QUESTION = writeRequest({ verb: "batch" });

/** What a server says to that: how large its batches may be; undefined if it takes none. */
export function readBatchAnswer(frames: Body): BatchLimits | undefined {
  try {
    const reply = parseReply(frames);
    if (reply.code !== "ok") return undefined;
    const { maxBytes, maxCalls } = JSON.parse(Buffer.concat(reply.body as Uint8Array[]).toString());
    return { maxBytes: bounded(maxBytes, BATCH_LIMITS.maxBytes), maxCalls: bounded(maxCalls, BATCH_LIMITS.maxCalls) };
  } catch {
    // Whatever it is, it is no yes.
    return undefined;
  }
}

function bounded(told: unknown, most: number): number {
  if (!Number.isSafeInteger(told) || (told as number) < 1) throw new TypeError("no size");
  return Math.min(told as number, most);
}

/** The replies in a message that is a batch of them; undefined for any other. Throws for one that can't be read. */
export function readBatch(frames: Body): readonly BatchItem[] | undefined {
  const packed = packedIn(frames);
  return packed && unpackBatch(packed, BATCH_LIMITS);
}

/** Calls in their order, as many in a batch as the limits let; one that fits into none is alone. */
export function* inBatches<Call extends BatchItem>(
  calls: readonly Call[],
  { maxBytes, maxCalls }: BatchLimits,
): Generator<{ calls: readonly Call[]; bytes: number }> {
  let from = 0;
  let bytes = 0;
  for (const [index, { frames }] of calls.entries()) {
    const size = packedSize(frames);
    if (index > from && (bytes + size > maxBytes || index - from >= maxCalls)) {
      yield { calls: calls.slice(from, index), bytes };
      from = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < calls.length) yield { calls: calls.slice(from), bytes };
}
