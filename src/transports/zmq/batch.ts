/** The replies to the calls of one batch: each call is answered by itself, and what is ready in one tick leaves together. */
import type { Body } from "../../codecs/codec.ts";
import { BATCH_LIMITS, type BatchItem, isLarge, packBatch, packedSize } from "../../wire/batch.ts";
import { writeRequest } from "../../wire/zep.ts";

/** Sends one message; `replies` is how many calls it answers. */
export type SendFrames = (frames: Body, replies: number) => void;

const ID_BYTES = 4;

/** They may leave in any order, and in any number of messages. */
export class BatchReplies {
  readonly #envelope: Body;
  readonly #send: SendFrames;
  #ready: BatchItem[] = [];
  #readyBytes = 0;
  /** How many calls have no reply yet. */
  #open: number;

  /** @param envelope that of the batch */
  constructor(envelope: Body, calls: number, send: SendFrames) {
    this.#envelope = envelope;
    this.#open = calls;
    this.#send = send;
  }

  add(id: number, frames: Body): void {
    this.#open--;
    if (isLarge(frames)) this.#send([...envelopeOf(this.#envelope, id), ...frames], 1);
    else {
      const bytes = packedSize(frames);
      if (this.#readyBytes + bytes > BATCH_LIMITS.maxBytes) this.flush();
      this.#readyBytes += bytes;
      // A tick is over when all that was ready has settled.
      if (this.#ready.push({ id, frames }) === 1 && this.#open > 0) process.nextTick(() => this.flush());
    }
    if (this.#open === 0) this.flush();
  }

  flush(): void {
    const items = this.#ready;
    if (items.length === 0) return;
    const packed = packBatch(items, this.#readyBytes);
    this.#ready = [];
    this.#readyBytes = 0;
    this.#send([...this.#envelope, ...writeRequest({ verb: "batch", packed })], items.length);
  }
}

/** As if the call had come by itself, with its number as the last frame before the empty one. */
function envelopeOf(batch: Body, id: number): Body {
  const number = Buffer.allocUnsafe(ID_BYTES);
  number.writeUInt32BE(id);
  return [...batch.slice(0, -1), number, ...batch.slice(-1)];
}
