/** CBOR, RFC 8949, by cbor-x. */
import { createRequire } from "node:module";
import type { WalkedCodec } from "../bind.ts";
import { screenCbor } from "./screen.ts";
import { BIGNUM_RANGE } from "./tags.ts";

/** Plain CBOR that any library reads: no records, no packing, no tags but for dates and large integers. */
const OPTIONS = {
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
  useTag259ForMaps: false,
  copyBuffers: true,
  structuredClone: false,
  pack: false,
  bundleStrings: false,
};

/** Dates are tag 1, integers beyond 64 bits tags 2 and 3, floats 64 bits wide; lengths are definite. */
export function createCborCodec(name: string): WalkedCodec {
  // This build has no native part, makes no code from text, and shares its table of extensions with no plugin.
  const { Encoder }: typeof import("cbor-x") = createRequire(import.meta.url)("cbor-x/index-no-eval");
  const cbor = new Encoder(OPTIONS);
  return {
    name,
    conversions: {
      encode: { wellFormed: true, wideIntegersAsBigint: true, bigintRange: BIGNUM_RANGE },
    },
    encode: (value) => cbor.encode(value),
    // A plain view, because from a Buffer the byte strings in it would be Buffers too.
    decode: (bytes) => cbor.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    screen: screenCbor,
  };
}
