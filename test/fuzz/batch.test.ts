import fc from "fast-check";
import { expect, test } from "vitest";
import type { Body } from "../../src/codecs/codec.ts";
import { BATCH_LIMITS, packBatch, packedSize, unpackBatch } from "../../src/wire/batch.ts";
import { fuzz, TIMEOUT_MS } from "./fuzz.ts";
import { formOf } from "./model.ts";
import { mutated, mutatedFrom } from "./mutations.ts";
import { readOrRefused, vectors } from "./zep-messages.ts";

const item = fc.record({
  id: fc.nat(2 ** 32 - 1),
  frames: fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 5 }),
});
const items = fc.array(item, { minLength: 1, maxLength: 20 });
const pack = (given: readonly { id: number; frames: Body }[]) =>
  packBatch(
    given,
    given.reduce((bytes, { frames }) => bytes + packedSize(frames), 0),
  );

test(
  "are unpacked as they were packed",
  () => {
    fuzz(
      fc.property(items, (given) => {
        const read = unpackBatch(pack(given), BATCH_LIMITS);
        expect(read.map(({ id, frames }) => formOf({ id, frames }))).toEqual(given.map((one) => formOf(one)));
      }),
      500,
    );
  },
  TIMEOUT_MS,
);

test(
  "any bytes are a batch, and the only bytes of that batch, or are refused",
  () => {
    let batches = 0;
    const valid = vectors.batches.map(({ frame }) => Buffer.from(frame, "hex"));
    const bytes = fc.oneof(fc.uint8Array(), mutated(valid), mutatedFrom(items.map(pack)));
    const limits = fc.record({
      maxBytes: fc.integer({ min: 1, max: 400 }),
      maxCalls: fc.integer({ min: 1, max: 8 }),
    });
    const property = fc.property(bytes, limits, (given, few) => {
      const read = readOrRefused(() => unpackBatch(given, BATCH_LIMITS));
      if (read !== undefined) {
        batches++;
        expect(pack(read).equals(given)).toBe(true);
      }
      const fits = read !== undefined && given.length <= few.maxBytes && read.length <= few.maxCalls;
      let isTaken = true;
      try {
        unpackBatch(given, few);
      } catch {
        isTaken = false;
      }
      expect(isTaken).toBe(fits);
    });
    fuzz(property, 1_500);
    expect(batches).toBeGreaterThan(50);
  },
  TIMEOUT_MS,
);
