import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ErrorCode, type JsonObject, ZmqEchoError } from "../../src/errors.ts";
import type { Metadata } from "../../src/handler.ts";
import { checkMetadata, MAX_JSON_BYTES } from "../../src/wire/json-frames.ts";
import {
  parsePlainError,
  parseReply,
  parseRequest,
  writePlainError,
  writeReply,
  writeRequest,
  type ZepReply,
  type ZepRequest,
} from "../../src/wire/zep.ts";

type ErrorReply = Exclude<ZepReply, { code: "ok" }>;

interface Vector {
  readonly name: string;
  readonly frames: readonly string[];
  readonly canonical?: boolean;
}

/** In the file, the frames of a body and what is packed are hexadecimal. */
type InHex<T> = T extends { body: unknown }
  ? Omit<T, "body"> & { readonly body: readonly string[] }
  : T extends { packed?: unknown }
    ? Omit<T, "packed"> & { readonly packed?: string }
    : T;
type Read<T> = Vector & ({ readonly parsed: InHex<T> } | { readonly error: ErrorCode });

const vectors = JSON.parse(readFileSync(new URL("../vectors/zep1.json", import.meta.url), "utf8")) as {
  readonly requests: readonly Read<ZepRequest>[];
  readonly replies: readonly Read<ZepReply>[];
  readonly plainReplies: readonly (Vector & { readonly error?: ErrorReply })[];
};

const bytes = (frames: readonly string[]) => frames.map((frame) => Buffer.from(frame, "hex"));
const hex = (frames: readonly Uint8Array[]) => frames.map((frame) => Buffer.from(frame).toString("hex"));
function inHex(read: ZepRequest | ZepReply): object {
  if ("body" in read) return { ...read, body: hex(read.body) };
  return "packed" in read && read.packed ? { ...read, packed: Buffer.from(read.packed).toString("hex") } : read;
}
function unhex<T extends object>(read: T): object {
  if ("body" in read) return { ...read, body: bytes(read.body as readonly string[]) };
  return "packed" in read ? { ...read, packed: Buffer.from(read.packed as string, "hex") } : read;
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return ZmqEchoError.is(error) ? error.code : `a stranger's: ${error}`;
  }
}

describe.each([
  ["request", vectors.requests, parseRequest, (parsed: object) => writeRequest(parsed as ZepRequest)],
  ["reply", vectors.replies, parseReply, (parsed: object) => writeReply(parsed as ZepReply)],
] as const)("the vectors of a %s", (_, list, parse, write) => {
  test.each(list.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    const frames = bytes(vector.frames);
    if ("error" in vector) {
      expect(codeOf(() => parse(frames))).toBe(vector.error);
      return;
    }
    expect(inHex(parse(frames))).toEqual(vector.parsed);
    if (vector.canonical) expect(hex(write(unhex(vector.parsed)))).toEqual(vector.frames);
  });
});

describe("the vectors of a plain reply", () => {
  test.each(vectors.plainReplies.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    expect(parsePlainError(bytes(vector.frames))).toEqual(vector.error);
    if (vector.canonical && vector.error) expect(hex(writePlainError(vector.error))).toEqual(vector.frames);
  });
});

describe("bounds", () => {
  const call = (metadata: string) => ["ZEP1 call", "h", "raw", metadata, ""].map((frame) => Buffer.from(frame));
  const metadataOf = (length: number) => JSON.stringify({ a: "x".repeat(length - 8) });

  test("metadata may have 8 KiB of JSON, and no byte more", () => {
    expect(parseRequest(call(metadataOf(MAX_JSON_BYTES)))).toHaveProperty("verb", "call");
    expect(codeOf(() => parseRequest(call(metadataOf(MAX_JSON_BYTES + 1))))).toBe("invalid_argument");
  });

  test("metadata over the bound is not sent either", () => {
    const metadata: Metadata = { a: "x".repeat(MAX_JSON_BYTES) };
    const request: ZepRequest = { verb: "call", handler: "h", codec: "raw", metadata, body: [Buffer.alloc(0)] };
    expect(codeOf(() => writeRequest(request))).toBe("invalid_argument");
  });

  test("details over the bound give way, but the request's id stays", () => {
    const details: JsonObject = { requestId: "r1", dump: "x".repeat(MAX_JSON_BYTES) };
    const told = { requestId: "r1", detailsDropped: `over ${MAX_JSON_BYTES} bytes` };
    expect(parseReply(writeReply({ code: "internal", message: "m", details }))).toMatchObject({ details: told });
    expect(parsePlainError(writePlainError({ code: "internal", message: "m", details }))).toMatchObject({
      details: told,
    });
  });

  test("a message is one line, and has 4096 characters at most", () => {
    const message = `first\r\n  second\u2028third ${"x".repeat(5000)}`;
    const read = parsePlainError(writePlainError({ code: "internal", message, details: { requestId: "r" } }));
    expect(read?.message).toMatch(/^first second third x+$/);
    expect(read?.message.length).toBeLessThanOrEqual(4096);
  });
});

test("a body passes through without being copied", () => {
  const body = [Buffer.from("a"), Buffer.from("b")];
  const [, , , , ...sent] = writeRequest({ verb: "call", handler: "h", codec: "raw", metadata: {}, body });
  expect(sent[0]).toBe(body[0]);
  const read = parseReply(writeReply({ code: "ok", codec: "raw", metadata: {}, body }));
  expect(read.code === "ok" && read.body[1]).toBe(body[1]);
});

test("frames may be Uint8Arrays that are no Buffers", () => {
  const frames = ["ZEP1 call", "h", "raw", '{"a":"1"}', "x"].map((text) => new TextEncoder().encode(text));
  expect(parseRequest(frames)).toMatchObject({ handler: "h", metadata: { a: "1" } });
  const plain = new TextEncoder().encode('ZEP1 internal\nwhy\n{"a":1}');
  expect(parsePlainError([plain])).toEqual({ code: "internal", message: "why", details: { a: 1 } });
});

test("metadata is checked before it is sent", () => {
  expect(codeOf(() => checkMetadata({ "timeout-ms": "1.5" }))).toBe("invalid_argument");
  expect(codeOf(() => checkMetadata({ "timeout-ms": "1500", other: "anything" }))).toBe("none");
});

test("the refusal of another version names both", () => {
  expect(() => parseRequest([Buffer.from("ZEP3 call")])).toThrow("version ZEP3 is not served here; ZEP1 is");
});
