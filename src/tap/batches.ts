/**
 * Batches of ZEP/1, as one sees them who does not know whether the two that talk speak it. A payload may be a batch to the last
 * byte and mean nothing of the kind, so a batch of calls has no reply in it, and one of replies nothing else: what an echo
 * sends back is never taken for the replies to it.
 */
import type { Body } from "../codecs/codec.ts";
import { isErrorCode } from "../errors.ts";
import { BATCH_LIMITS, type BatchItem, unpackBatch } from "../wire/batch.ts";
import { packedIn } from "../wire/zep.ts";

const REPLY = /^ZEP1 (.+)$/;
const LONGEST_REPLY_HEAD = 32;

/** What is in a message that reads as a batch of calls; undefined for any other, which costs next to nothing. */
export function callsIn(body: Body): readonly BatchItem[] | undefined {
  const items = itemsIn(body);
  return items?.some(isReply) ? undefined : items;
}

/** The same for one of replies. */
export function repliesIn(body: Body): readonly BatchItem[] | undefined {
  const items = itemsIn(body);
  return items?.every(isReply) ? items : undefined;
}

function itemsIn(body: Body): readonly BatchItem[] | undefined {
  const packed = packedIn(body);
  if (packed === undefined) return undefined;
  try {
    return unpackBatch(packed, BATCH_LIMITS);
  } catch {
    return undefined;
  }
}

function isReply({ frames: [head] }: BatchItem): boolean {
  if (head === undefined || head.length > LONGEST_REPLY_HEAD) return false;
  const code = REPLY.exec(Buffer.from(head).toString("latin1"))?.[1];
  return code !== undefined && (code === "ok" || isErrorCode(code));
}
