/** Bytes that are almost right: something valid, changed in a few places. */
import fc from "fast-check";

type Edit = (bytes: Buffer) => Buffer;

/** Ends of ranges, and what begins or ends something in one of the formats. */
const TELLING = [0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x5b, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0x9f, 0xbf, 0xc1, 0xfe, 0xff];
const byte = fc.oneof({ weight: 2, arbitrary: fc.nat(255) }, { weight: 1, arbitrary: fc.constantFrom(...TELLING) });
const place = fc.nat(2 ** 20);

const at = (bytes: Buffer, place: number): number => place % (bytes.length + 1);

const edit = fc.oneof(
  fc.tuple(place, byte).map(
    ([where, value]): Edit =>
      (bytes) => {
        const changed = Buffer.from(bytes);
        if (changed.length > 0) changed[where % changed.length] = value;
        return changed;
      },
  ),
  fc.tuple(place, fc.nat(7)).map(
    ([where, bit]): Edit =>
      (bytes) => {
        const changed = Buffer.from(bytes);
        const index = where % Math.max(1, changed.length);
        if (changed.length > 0) changed[index] = (changed[index] ?? 0) ^ (1 << bit);
        return changed;
      },
  ),
  fc.tuple(place, fc.array(byte, { minLength: 1, maxLength: 4 })).map(
    ([where, more]): Edit =>
      (bytes) => {
        return Buffer.concat([
          bytes.subarray(0, at(bytes, where)),
          Buffer.from(more),
          bytes.subarray(at(bytes, where)),
        ]);
      },
  ),
  fc.tuple(place, fc.integer({ min: 1, max: 6 })).map(
    ([where, length]): Edit =>
      (bytes) => {
        return Buffer.concat([bytes.subarray(0, at(bytes, where)), bytes.subarray(at(bytes, where) + length)]);
      },
  ),
  // A piece comes twice, or what is between two places is left out.
  fc.tuple(place, place).map(
    ([from, to]): Edit =>
      (bytes) => {
        return Buffer.concat([bytes.subarray(0, at(bytes, from)), bytes.subarray(at(bytes, to))]);
      },
  ),
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.subarray(0, at(bytes, where)),
  ),
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.subarray(at(bytes, where)),
  ),
);

/** One of `valid`, changed in `most` places at most. */
export function mutated(valid: readonly Uint8Array[], most = 4): fc.Arbitrary<Buffer> {
  return mutatedFrom(fc.constantFrom(...valid), most);
}

export function mutatedFrom(valid: fc.Arbitrary<Uint8Array>, most = 4): fc.Arbitrary<Buffer> {
  return fc
    .tuple(valid, fc.array(edit, { maxLength: most, size: "max" }))
    .map(([start, edits]) => edits.reduce<Buffer>((bytes, change) => change(bytes), Buffer.from(start)));
}

/** A view that does not begin where its memory does, with something else on both sides, as frames of a batch are. */
export function inTheMidst(bytes: Uint8Array): Uint8Array {
  const around = Buffer.alloc(bytes.length + 16, 0x5a);
  around.set(bytes, 7);
  return new Uint8Array(around.buffer, around.byteOffset + 7, bytes.length);
}
