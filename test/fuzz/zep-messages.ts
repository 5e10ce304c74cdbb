/** Messages of ZEP/1: what may be written, and what is almost that. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { Body } from "../../src/codecs/codec.ts";
import { ERROR_CODES, type ErrorCode, type JsonObject, ZmqEchoError } from "../../src/errors.ts";
import { writePlainError, writeReply, writeRequest, type ZepReply, type ZepRequest } from "../../src/wire/zep.ts";
import { expectOneLine, formOf } from "./model.ts";
import { mutatedFrom } from "./mutations.ts";

export type ErrorReply = Exclude<ZepReply, { code: "ok" }>;

const utf8 = fc.string({ unit: "binary", maxLength: 60 });
const name = utf8.filter((text) => Buffer.byteLength(text) <= 255);
const body = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 4 });
const free = fc.dictionary(
  utf8.filter((key) => !["__proto__", "timeout-ms", "request-id"].includes(key)),
  utf8,
  { maxKeys: 4, noNullPrototype: true },
);
const known = fc.record(
  {
    "timeout-ms": fc.integer({ min: 1, max: 999_999_999 }).map(String),
    "request-id": fc.stringMatching(/^[\x21-\x7e]{1,128}$/),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const metadata = fc.tuple(free, known).map(([some, others]) => ({ ...some, ...others }));
const code = fc.constantFrom(...(Object.keys(ERROR_CODES) as ErrorCode[]));
const line = utf8.map((text) => text.replace(/[\r\n\u2028\u2029]+/g, " ").trim());
const details = fc
  .object({
    key: utf8.filter((key) => key !== "__proto__"),
    values: [utf8, fc.integer(), fc.constant(null)],
    maxDepth: 2,
  })
  .filter((object) => Buffer.byteLength(JSON.stringify(object)) <= 8192) as fc.Arbitrary<JsonObject>;

export const request: fc.Arbitrary<ZepRequest> = fc.oneof(
  fc.record({ verb: fc.constant("call" as const), handler: name, codec: name, metadata, body }),
  fc.record({ verb: fc.constantFrom("ping" as const, "list" as const, "stats" as const) }),
  fc.record({ verb: fc.constant("describe" as const), handler: name }),
  fc.record({ verb: fc.constant("batch" as const), packed: fc.uint8Array() }, { requiredKeys: ["verb"] }),
);
export const errorReply: fc.Arbitrary<ErrorReply> = fc.record({ code, message: line, details });
export const reply: fc.Arbitrary<ZepReply> = fc.oneof(
  fc.record({ code: fc.constant("ok" as const), codec: name, metadata, body }),
  errorReply,
);

export const vectors = JSON.parse(readFileSync(new URL("../vectors/zep1.json", import.meta.url), "utf8")) as Record<
  "requests" | "replies" | "plainReplies",
  { frames: string[] }[]
> & { batches: { frame: string }[] };
const framesOf = (rows: readonly { frames: string[] }[]): Body[] =>
  rows.map(({ frames }) => frames.map((frame) => Buffer.from(frame, "hex")));

/** Frames of a message with changes in one of them, or in their number. */
function changed(messages: fc.Arbitrary<Body>): fc.Arbitrary<Body> {
  const one = messages
    .filter((frames) => frames.length > 0)
    .chain((frames) =>
      fc.nat(frames.length - 1).chain((at) => {
        return mutatedFrom(fc.constant(frames[at] ?? new Uint8Array())).map((frame): Body => frames.with(at, frame));
      }),
    );
  const fewer = fc.tuple(messages, fc.nat(6)).map(([frames, length]): Body => frames.slice(0, length));
  const more = fc.tuple(messages, messages).map((both): Body => both.flat());
  return fc.oneof({ weight: 4, arbitrary: one }, { weight: 1, arbitrary: fewer }, { weight: 1, arbitrary: more });
}

/** Keys that an object would take for something else. */
const PROTO = '{"__proto__":"x"}';
const ODD_REQUEST = ["ZEP1 call", "a", "json", PROTO, "1"].map((text) => Buffer.from(text));
const ODD_REPLIES = [["ZEP1 ok", "json", PROTO, "1"], ["ZEP1 internal", "", PROTO], [`ZEP1 internal\n\n${PROTO}`]].map(
  (texts) => texts.map((text) => Buffer.from(text)),
);

const from = (rows: readonly Body[]) => fc.constantFrom(...rows);
export const anyRequest = changed(
  fc.oneof(request.map(writeRequest), from([ODD_REQUEST, ...framesOf(vectors.requests)])),
);
export const anyReply = changed(
  fc.oneof(
    reply.map(writeReply),
    errorReply.map(writePlainError),
    from([...ODD_REPLIES, ...framesOf([...vectors.replies, ...vectors.plainReplies])]),
  ),
);

export const plainly = (read: object) =>
  formOf({ ...read, ...("metadata" in read && { metadata: { ...(read.metadata as object) } }) });

/** What a parser made of frames, or undefined if it refused them as it may. */
export function readOrRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    if (!["invalid_argument", "unimplemented", "resource_exhausted"].includes(error.code)) throw error;
    expectOneLine(error.message, 400);
    return undefined;
  }
}
