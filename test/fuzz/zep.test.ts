import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Body } from "../../src/codecs/codec.ts";
import { createCodec } from "../../src/codecs/registry.ts";
import { ERROR_CODES, isErrorCode, ZmqEchoError } from "../../src/errors.ts";
import { createReader } from "../../src/recording/said.ts";
import { BATCH_LIMITS, unpackBatch } from "../../src/wire/batch.ts";
import { decodeReply, readPlainReply, readZepReply } from "../../src/wire/reply.ts";
import {
  packedIn,
  parsePlainError,
  parseReply,
  parseRequest,
  writePlainError,
  writeReply,
  writeRequest,
  type ZepReply,
} from "../../src/wire/zep.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, TIMEOUT_MS } from "./fuzz.ts";
import { formOf } from "./model.ts";
import { anyReply, anyRequest, errorReply, plainly, readOrRefused, reply, request } from "./zep-messages.ts";

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

test.each(corpusOf("zep"))("what was kept is read or refused: $why", ({ bytes }) => {
  // Frames are kept as a batch, and what is no batch is one frame.
  const items = readOrRefused(() => unpackBatch(bytes, BATCH_LIMITS));
  const frames = items?.flatMap((item) => [...item.frames]) ?? [bytes];
  readOrRefused(() => parseRequest(frames));
  readOrRefused(() => parseReply(frames));
  expect(parsePlainError(frames) !== undefined).toBe(hasErrorsForm(frames));
});
