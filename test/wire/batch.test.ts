import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ZmqEchoError } from "../../src/errors.ts";
import { BATCH_LIMITS, isLarge, packBatch, packedSize, unpackBatch } from "../../src/wire/batch.ts";

interface Vector {
  readonly name: string;
  readonly frame: string;
  readonly items?: readonly { readonly id: number; readonly frames: readonly string[] }[];
  readonly error?: string;
}

const { batches } = JSON.parse(readFileSync(new URL("../vectors/zep1.json", import.meta.url), "utf8")) as {
  readonly batches: readonly Vector[];
};

interface Item {
  readonly id: number;
  readonly frames: readonly Uint8Array[];
}

const inHex = (items: readonly Item[]) =>
  items.map(({ id, frames }) => ({ id, frames: frames.map((frame) => Buffer.from(frame).toString("hex")) }));
const pack = (items: readonly Item[]) =>
  packBatch(
    items,
    items.reduce((bytes, { frames }) => bytes + packedSize(frames), 0),
  );

/** What is read, or the code of the refusal. */
function read(frame: Uint8Array, limits = BATCH_LIMITS): object | string {
  try {
    return inHex(unpackBatch(frame, limits));
  } catch (error) {
    return ZmqEchoError.is(error) ? error.code : `a stranger's: ${error}`;
  }
}

describe("the vectors of a batch", () => {
  test.each(batches.map((vector) => [vector.name, vector] as const))("%s", (_name, { frame, items, error }) => {
    expect(read(Buffer.from(frame, "hex"))).toEqual(items ?? error);
    if (items === undefined) return;
    const asBytes = items.map(({ id, frames }) => ({ id, frames: frames.map((text) => Buffer.from(text, "hex")) }));
    expect(pack(asBytes).toString("hex")).toBe(frame);
  });
});

const items = fc.array(
  fc.record({
    id: fc.nat(2 ** 32 - 1),
    frames: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 20 },
);

test("what is packed is what is read", () => {
  fc.assert(
    fc.property(items, (some) => {
      expect(read(pack(some))).toEqual(inHex(some));
    }),
  );
});

test("a batch that is cut anywhere but between two items is refused, and never misread", () => {
  fc.assert(
    fc.property(items, fc.double({ min: 0, max: 1, noNaN: true }), (some, part) => {
      const packed = pack(some);
      const cut = read(packed.subarray(0, Math.floor(part * packed.length)));
      if (cut !== "invalid_argument") expect(cut).toEqual(inHex(some).slice(0, (cut as object[]).length));
    }),
  );
});

test("any bytes are read or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const result = read(bytes);
      if (typeof result === "string") expect(["invalid_argument", "resource_exhausted"]).toContain(result);
    }),
  );
});

test("a batch may have exactly the bytes of the limit", () => {
  const frames = [Buffer.alloc(90)];
  expect(packedSize(frames)).toBe(100);
  const packed = pack([{ id: 1, frames }]);
  expect(read(packed, { maxBytes: 100, maxCalls: 1 })).toHaveLength(1);
  expect(read(packed, { maxBytes: 99, maxCalls: 1 })).toBe("resource_exhausted");
});

test("what is read are views of the frame, wherever that lies in its memory", () => {
  const packed = pack([{ id: 1, frames: [Buffer.from("abc")] }]);
  const memory = new Uint8Array(packed.length + 10);
  memory.set(packed, 7);
  const [item] = unpackBatch(memory.subarray(7, 7 + packed.length), BATCH_LIMITS);
  expect(Buffer.from(item?.frames[0] ?? []).toString()).toBe("abc");
  expect(item?.frames[0]?.buffer).toBe(memory.buffer);
});

test("what takes 8 KiB in a batch is large, and so are many frames of nothing", () => {
  const [head, length] = [6, 4];
  expect(isLarge([Buffer.alloc(4096), Buffer.alloc(4096 - head - 2 * length - 1)])).toBe(false);
  expect(isLarge([Buffer.alloc(4096), Buffer.alloc(4096 - head - 2 * length)])).toBe(true);
  expect(isLarge(Array(2048).fill(Buffer.alloc(0)))).toBe(true);
});
