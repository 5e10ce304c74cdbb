/** MessagePack with timestamps (https://github.com/msgpack/msgpack/blob/master/spec.md), by @msgpack/msgpack. */
import { createRequire } from "node:module";
import type { WalkedCodec } from "./bind.ts";
import { screenMsgpack } from "./msgpack-screen.ts";

/** Dates are the timestamp extension, integers at most 64 bits wide, floats 64 bits. */
export function createMsgpackCodec(name: string): WalkedCodec {
  const { Decoder, Encoder }: typeof import("@msgpack/msgpack") = createRequire(import.meta.url)("@msgpack/msgpack");
  // The depth has been checked on both sides.
  const encoder = new Encoder({ useBigInt64: true, maxDepth: Number.POSITIVE_INFINITY });
  const decoder = new Decoder({ useBigInt64: true, mapKeyConverter: (key) => String(key) });
  return {
    name,
    conversions: {
      encode: {
        wellFormed: true,
        wideIntegersAsBigint: true,
        bigintRange: { min: -(1n << 63n), max: (1n << 64n) - 1n },
      },
    },
    encode: (value) => encoder.encode(value),
    // A plain view, because from a Buffer the byte strings in it would be Buffers too.
    decode: (bytes) => decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    screen: screenMsgpack,
  };
}
