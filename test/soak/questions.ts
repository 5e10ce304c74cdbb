/** What is asked in a soak: small and large, in every codec, plain and by name. */
import { createCodec } from "../../src/codecs/registry.ts";
import type { BUILT_IN_CODECS } from "../../src/config/defaults.ts";
import { NO_METADATA } from "../../src/wire/json-frames.ts";
import { writeReply } from "../../src/wire/zep.ts";
import type { Question } from "./asker.ts";

type BuiltInCodec = (typeof BUILT_IN_CODECS)[number];

const LARGE_BYTES = 256 * 1024;
/** One of so many is large. */
const ONE_LARGE = 100;

function valueFor(number: number, binary: boolean): unknown {
  const text = `request ${number} `.repeat(1 + (number % 20));
  const base = { number, text, list: [number, -1.5, true, null, [text]], nested: { deep: { number } } };
  if (!binary) return base;
  const bytes = Buffer.alloc(number % ONE_LARGE === 0 ? LARGE_BYTES : number % 300, number % 251);
  return { ...base, bytes };
}

/** Plain: the encoded value is the message, and comes back as it was. */
export function plainQuestions(codecName: BuiltInCodec): (number: number) => Question {
  const codec = createCodec(codecName);
  return (number) => {
    const size = number % ONE_LARGE === 0 ? LARGE_BYTES : number % 2000;
    const body = codecName === "raw" ? Buffer.alloc(size, `${number} `) : codec.encode(valueFor(number, false));
    return { frames: [body], reply: [body] };
  };
}

/** By name (ZEP/1). */
export function namedQuestions(handler: string, codecName: BuiltInCodec): (number: number) => Question {
  const codec = createCodec(codecName);
  const binary = codecName === "cbor" || codecName === "msgpack";
  const head = ["ZEP1 call", handler, codecName, "{}"].map((text) => Buffer.from(text));
  return (number) => {
    const value = codecName === "raw" ? Buffer.from(`request ${number}`) : valueFor(number, binary);
    const body = codec.encode(value);
    const reply = writeReply({ code: "ok", codec: codecName, metadata: NO_METADATA, body: [body] });
    return { frames: [...head, body], reply };
  };
}
