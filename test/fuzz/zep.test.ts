import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeReply, readPlainReply, readZepReply } from "../../src/client/reply.ts";
import type { Body } from "../../src/codecs/codec.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import { ERROR_CODES, type ErrorCode, isErrorCode, type JsonObject, ZmqEchoError } from "../../src/errors.ts";
import { createReader } from "../../src/recording/said.ts";
import { BATCH_LIMITS, packBatch, packedSize, unpackBatch } from "../../src/wire/batch.ts";
import {
  NO_METADATA,
  packedIn,
  parsePlainError,
  parseReply,
  parseRequest,
  writePlainError,
  writeReply,
  writeRequest,
  type ZepReply,
  type ZepRequest,
} from "../../src/wire/zep.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, TIMEOUT_MS } from "./fuzz.ts";
import { expectOneLine, formOf } from "./model.ts";
import { mutated, mutatedFrom } from "./mutations.ts";

type ErrorReply = Exclude<ZepReply, { code: "ok" }>;

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

const request: fc.Arbitrary<ZepRequest> = fc.oneof(
  fc.record({ verb: fc.constant("call" as const), handler: name, codec: name, metadata, body }),
  fc.record({ verb: fc.constantFrom("ping" as const, "list" as const, "stats" as const) }),
  fc.record({ verb: fc.constant("describe" as const), handler: name }),
  fc.record({ verb: fc.constant("batch" as const), packed: fc.uint8Array() }, { requiredKeys: ["verb"] }),
);
const errorReply: fc.Arbitrary<ErrorReply> = fc.record({ code, message: line, details });
const reply: fc.Arbitrary<ZepReply> = fc.oneof(
  fc.record({ code: fc.constant("ok" as const), codec: name, metadata, body }),
  errorReply,
);

const vectors = JSON.parse(readFileSync(new URL("../vectors/zep1.json", import.meta.url), "utf8")) as Record<
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
const anyRequest = changed(fc.oneof(request.map(writeRequest), from([ODD_REQUEST, ...framesOf(vectors.requests)])));
const anyReply = changed(
  fc.oneof(
    reply.map(writeReply),
    errorReply.map(writePlainError),
    from([...ODD_REPLIES, ...framesOf([...vectors.replies, ...vectors.plainReplies])]),
  ),
);

const plainly = (read: object) =>
  formOf({ ...read, ...("metadata" in read && { metadata: { ...(read.metadata as object) } }) });

/** What a parser made of frames, or undefined if it refused them as it may. */
function readOrRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    expect(error.code).toMatch(/^(invalid_argument|unimplemented|resource_exhausted)$/);
    expectOneLine(error.message, 400);
    return undefined;
  }
}

describe("ZEP/1", () => {
  test(
    "a request is read as it was written",
    () => {
      const property = fc.property(request, (given) => {
        expect(plainly(parseRequest(writeRequest(given)))).toBe(plainly(given));
        expect(packedIn(writeRequest(given))).toBe("packed" in given ? given.packed : undefined);
      });
      fuzz(property, 600);
    },
    TIMEOUT_MS,
  );

  test(
    "a reply is read as it was written",
    () => {
      fuzz(
        fc.property(reply, (given) => {
          expect(plainly(parseReply(writeReply(given)))).toBe(plainly(given));
        }),
        600,
      );
    },
    TIMEOUT_MS,
  );

  test(
    "a plain error is read as it was written, by itself and by a client that called by name",
    () => {
      const property = fc.property(errorReply, (given) => {
        const frames = writePlainError(given);
        const read = parsePlainError(frames);
        expect(read && plainly(read)).toBe(plainly(given));
        expect(() => readPlainReply(frames)).toThrow(given.message);
        expect(() => readZepReply(frames)).toThrow(
          expect.objectContaining({ code: given.code, message: given.message }),
        );
      });
      fuzz(property, 400);
    },
    TIMEOUT_MS,
  );

  test(
    "any frames are a request, whose parts are what the frames say, or are refused in a line",
    () => {
      let requests = 0;
      const property = fc.property(anyRequest, (frames) => {
        const read = readOrRefused(() => parseRequest(frames));
        if (read === undefined) return;
        requests++;
        expect(Buffer.from(frames[0] ?? []).toString("latin1")).toBe(`ZEP1 ${read.verb}`);
        if (read.verb === "call") {
          expect(Buffer.from(read.handler).equals(frames[1] ?? Buffer.alloc(0))).toBe(true);
          expect(Buffer.from(read.codec).equals(frames[2] ?? Buffer.alloc(0))).toBe(true);
          expect(Object.hasOwn(read.metadata, "__proto__")).toBe(false);
          const text = Buffer.from(frames[3] ?? []).toString();
          expect(formOf({ ...read.metadata })).toBe(formOf(text === "" ? {} : JSON.parse(text.replace(/^\ufeff/, ""))));
          expect(read.body).toEqual(frames.slice(4));
        }
        expect(plainly(parseRequest(writeRequest(read)))).toBe(plainly(read));
      });
      fuzz(property, 1_500);
      expect(requests).toBeGreaterThan(50);
    },
    TIMEOUT_MS,
  );

  test(
    "any frames are a reply or are refused in a line, and a client always has a body or an error with a code",
    () => {
      const codecs = (["json", "cbor", "raw"] as const).map((type) => createCodec(type));
      const property = fc.property(anyReply, fc.constantFrom(...codecs), (frames, codec) => {
        const read = readOrRefused(() => parseReply(frames));
        if (read !== undefined) expect(plainly(parseReply(writeReply(read)))).toBe(plainly(oneLine(read)));
        for (const take of [() => readZepReply(frames).body, () => readPlainReply(frames)]) {
          try {
            decodeReply(codec, take());
          } catch (error) {
            if (!ZmqEchoError.is(error)) throw error;
            expect(isErrorCode(error.code)).toBe(true);
          }
        }
      });
      fuzz(property, 1_500);
    },
    TIMEOUT_MS,
  );

  test(
    "a plain reply is an error only if it has the form of one in every part",
    () => {
      const property = fc.property(anyReply, (frames) => {
        const read = parsePlainError(frames);
        expect(read !== undefined).toBe(hasErrorsForm(frames));
      });
      fuzz(property, 1_500);
    },
    TIMEOUT_MS,
  );

  test(
    "what was read stays as it is when the frames' memory is used again",
    () => {
      const call = request.filter((given) => given.verb === "call");
      const property = fc.property(call, call, (first, second) => {
        const frames = writeRequest(first).map((frame) => Buffer.from(frame));
        const read = parseRequest(frames);
        // The names become others of the same length, in the same memory.
        for (const frame of frames.slice(1, 3)) frame.fill("a");
        expect(plainly(read)).toBe(plainly(first));
        const names = { handler: String(frames[1]), codec: String(frames[2]) };
        expect(plainly(parseRequest(frames))).toBe(plainly({ ...first, ...names }));
        expect(plainly(parseRequest(writeRequest(second)))).toBe(plainly(second));
        expect(plainly(parseRequest(writeRequest(first)))).toBe(plainly(first));
      });
      fuzz(property, 300);
    },
    TIMEOUT_MS,
  );

  test(
    "whoever reads beside the two that talk can say something of any frames",
    () => {
      const json = createCodec("json");
      const cbor = createCodec("cbor");
      const readers = [true, false].map((zep) => {
        return createReader({ zep, requestCodec: json, replyCodec: cbor, codecNamed: () => undefined });
      });
      const property = fc.property(anyRequest, anyReply, fc.constantFrom(...readers), (asked, replied, reader) => {
        expect(reader.request(asked).kind).toMatch(/^(body|verb|unreadable)$/);
        expect(reader.reply(replied).kind).toMatch(/^(body|error|unreadable)$/);
      });
      fuzz(property, 1_000);
    },
    TIMEOUT_MS,
  );
});

function oneLine(read: ZepReply): ZepReply {
  if (read.code === "ok") return read;
  const lines = read.message.slice(0, 4096).split(/[\r\n\u2028\u2029]+/);
  return {
    ...read,
    message: lines
      .map((text) => text.trim())
      .join(" ")
      .trim(),
  };
}

/** docs/protocol.md, "Plain". */
function hasErrorsForm([frame, ...more]: Body): boolean {
  if (frame === undefined || more.length > 0) return false;
  const [, code, message, rest] =
    /^ZEP1 ([a-z_]+)\n([^\n]*)\n([\s\S]*)$/.exec(Buffer.from(frame).toString("latin1")) ?? [];
  if (code === undefined || message === undefined || rest === undefined) return false;
  if (!Object.hasOwn(ERROR_CODES, code) || rest.length > 8192) return false;
  try {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    strict.decode(Buffer.from(message, "latin1"));
    const json: unknown = rest === "" ? {} : JSON.parse(strict.decode(Buffer.from(rest, "latin1")));
    return typeof json === "object" && json !== null && !Array.isArray(json) && !Object.hasOwn(json, "__proto__");
  } catch {
    return false;
  }
}

describe("batches", () => {
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
});

test.each(corpusOf("zep"))("what was kept is read or refused: $why", ({ bytes }) => {
  // Frames are kept as a batch, and what is no batch is one frame.
  const items = readOrRefused(() => unpackBatch(bytes, BATCH_LIMITS));
  const frames = items?.flatMap((item) => [...item.frames]) ?? [bytes];
  readOrRefused(() => parseRequest(frames));
  readOrRefused(() => parseReply(frames));
  expect(parsePlainError(frames) !== undefined).toBe(hasErrorsForm(frames));
});

test("a message without metadata has none", () => {
  const call = parseRequest([Buffer.from("ZEP1 call"), ...["a", "json", "", "1"].map((text) => Buffer.from(text))]);
  expect(call).toMatchObject({ metadata: NO_METADATA });
});
