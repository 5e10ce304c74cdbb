/** MessagePack with timestamps (https://github.com/msgpack/msgpack/blob/master/spec.md), by @msgpack/msgpack. */
import { createRequire } from "node:module";
import type { WalkedCodec } from "../bind.ts";
import { screenMsgpack } from "./screen.ts";

/** Dates are the timestamp extension (below a millisecond it is cut off), integers at most 64 bits wide, floats 64 bits. */
export function createMsgpackCodec(name: string): WalkedCodec {
  const msgpack: typeof import("@msgpack/msgpack") = createRequire(import.meta.url)("@msgpack/msgpack");
  const extensionCodec = new msgpack.ExtensionCodec();
  extensionCodec.register({
    type: msgpack.EXT_TIMESTAMP,
    encode: msgpack.encodeTimestampExtension,
    // The library's own adds nanoseconds as a fraction, which a double rounds up to the next second or cuts off, by chance.
    decode: (data) => {
      const { sec, nsec } = msgpack.decodeTimestampToTimeSpec(data);
      return new Date(sec * 1000 + Math.floor(nsec / 1e6));
    },
  });
  // The depth has been checked on both sides.
  const encoder = new msgpack.Encoder({ extensionCodec, useBigInt64: true, maxDepth: Number.POSITIVE_INFINITY });
  const decoder = new msgpack.Decoder({ extensionCodec, useBigInt64: true, mapKeyConverter: (key) => String(key) });
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
