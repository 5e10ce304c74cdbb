/**
 * A recording: JSON lines. The first says what it is, each other one is a request with its reply, frames without the
 * envelope as base64. Specified in docs/cli.md.
 */
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Body, Codec, CodecRole, CodecSpec } from "../codecs/codec.ts";
import { BUILT_IN_CODECS } from "../config/defaults.ts";
import { ConfigError, type ErrorCode, isErrorCode, textOf } from "../errors.ts";
import { printableLine } from "../printable.ts";

export const VERSION = 1;

export interface Header {
  /** Where the requests went. */
  readonly target: string;
  /** The codec's name. */
  readonly codec: string;
  /** What that is made from, if it is not a built-in one; absent for a plugin's. */
  readonly spec?: CodecSpec;
  /** Whether the messages are ZEP/1. */
  readonly zep: boolean;
  /** ISO 8601. */
  readonly startedAt: string;
}

export interface Entry {
  readonly number: number;
  /** Milliseconds from the start of the recording to the request. */
  readonly atMs: number;
  readonly request: Body;
  /** Absent if none came. */
  readonly reply?: Body;
  readonly latencyMs?: number;
  /** Of one that a host kept since it failed. */
  readonly failed?: FailedCall;
}

/** How a call failed that a host kept; its reply says the same to the caller. */
export interface FailedCall {
  readonly code: ErrorCode;
  readonly message: string;
  /** The config's name of the endpoint. */
  readonly endpoint: string;
  readonly handler: string;
  /** The version of the handler that ran it; absent if none did, or if it is given in code. */
  readonly version?: string | undefined;
  /** As the caller was told, and as the host's log has it. */
  readonly requestId?: string | undefined;
  /** As far as the transport can tell its peers apart. */
  readonly peer?: string | undefined;
}

export interface Recording {
  readonly header: Header;
  /** In the order of the requests. */
  readonly entries: readonly Entry[];
}

export function headerLine(header: Header): string {
  return `${JSON.stringify({ zmqecho: "recording", version: VERSION, ...header })}\n`;
}

export function entryLine(entry: Entry): string {
  return [...entryPieces(entry)].join("");
}

/** The line in pieces, so that it can be written without ever having all of it as one text. */
export function* entryPieces({ number, atMs, request, reply, latencyMs, failed }: Entry): Generator<string> {
  yield `{"n":${number},"atMs":${rounded(atMs)},"request":`;
  yield* framesPieces(request);
  if (reply !== undefined) {
    yield ',"reply":';
    yield* framesPieces(reply);
    yield `,"latencyMs":${rounded(latencyMs ?? 0)}`;
  }
  if (failed !== undefined) yield `,${JSON.stringify(failed).slice(1, -1)}`;
  yield "}\n";
}

/** Bytes of a frame in one piece; a multiple of three, so that no piece but the last is padded. */
const PIECE_BYTES = 48 * 1024;

function* framesPieces(body: Body): Generator<string> {
  for (const [index, frame] of body.entries()) {
    yield index === 0 ? '["' : '","';
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.toString("base64", at, at + PIECE_BYTES);
  }
  yield body.length === 0 ? "[]" : '"]';
}

export function rounded(ms: number): number {
  return Number(ms.toFixed(3));
}

/** Throws {@link ConfigError}, with the line, for a file that can't be read or is no recording. */
export async function loadRecording(path: string): Promise<Recording> {
  const file = resolve(path);
  const entries: Entry[] = [];
  let header: Header | undefined;
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      if (text.trim() === "" && header !== undefined) continue;
      const parsed = parseObject(text);
      if (header === undefined) header = headerFrom(parsed);
      else entries.push(entryFrom(parsed));
    }
  } catch (error) {
    if (error instanceof Malformed) throw new ConfigError([{ file, line, column: 1, message: error.message }]);
    throw new ConfigError([{ file, message: `can't be read: ${textOf(error)}` }]);
  }
  if (header === undefined) throw new ConfigError([{ file, message: "the file is empty; it is no recording" }]);
  entries.sort((one, other) => one.atMs - other.atMs || one.number - other.number);
  return { header, entries };
}

/** True for a text whose first line is a recording's header. */
export function isRecording(text: string): boolean {
  try {
    headerFrom(parseObject(text.split("\n", 1)[0] ?? ""));
    return true;
  } catch {
    return false;
  }
}

/** The codec of a recording; undefined for a plugin's, which is not known here. */
export async function codecOf({ codec, spec }: Header, role: CodecRole): Promise<Codec | undefined> {
  const from = spec ?? BUILT_IN_CODECS.find((name) => name === codec);
  if (from === undefined) return undefined;
  const { createCodec } = await import("../codecs/registry.ts");
  return createCodec(from, { name: codec, role });
}

class Malformed extends Error {}

function parseObject(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Malformed(`this line is no JSON: ${printableLine(textOf(error))}`);
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw new Malformed("this line is no JSON object");
}

function headerFrom(line: Record<string, unknown>): Header {
  const { zmqecho, version, target, codec, spec, zep, startedAt = "" } = line;
  if (zmqecho !== "recording") throw new Malformed('a recording begins with a line {"zmqecho":"recording",…}');
  if (version !== VERSION) throw new Malformed(`version ${JSON.stringify(version)} can't be read here; ${VERSION} can`);
  if (typeof target !== "string") throw new Malformed("target: the address is missing");
  if (typeof codec !== "string") throw new Malformed("codec: its name is missing");
  if (typeof zep !== "boolean") throw new Malformed("zep: true or false is missing");
  if (typeof startedAt !== "string") throw new Malformed("startedAt: a time as text is expected");
  if (spec !== undefined && !isSpec(spec)) throw new Malformed("spec: what a codec is made from is expected");
  return { target, codec, zep, startedAt, ...(spec !== undefined && { spec }) };
}

/** Whether it has a codec's shape; if there is such a codec is up to whoever makes it. */
function isSpec(spec: unknown): spec is CodecSpec {
  if (typeof spec === "string") return true;
  if (typeof spec !== "object" || spec === null || "encode" in spec) return false;
  const { type, proto = [], include = [], request = "", response = "" } = spec as Record<string, unknown>;
  const isText = (value: unknown) => typeof value === "string";
  const isList = (value: unknown) => Array.isArray(value) && value.every(isText);
  return [type, request, response].every(isText) && (isText(proto) || isList(proto)) && isList(include);
}

function entryFrom({ n, atMs, request, reply, latencyMs, ...rest }: Record<string, unknown>): Entry {
  if (!isFiniteNumber(n)) throw new Malformed("n: the number of the request is missing");
  if (!isFiniteNumber(atMs) || atMs < 0) throw new Malformed("atMs: milliseconds are missing");
  return {
    number: n,
    atMs,
    request: framesFrom(request, "request"),
    ...(reply !== undefined && {
      reply: framesFrom(reply, "reply"),
      latencyMs: isFiniteNumber(latencyMs) ? latencyMs : 0,
    }),
    ...(rest.code !== undefined && { failed: failedFrom(rest) }),
  };
}

function failedFrom({
  code,
  message,
  endpoint,
  handler,
  version,
  requestId,
  peer,
}: Record<string, unknown>): FailedCall {
  if (typeof code !== "string" || !isErrorCode(code)) throw new Malformed("code: an error code is expected");
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const known = { version, requestId, peer };
  return {
    code,
    message: text(message),
    endpoint: text(endpoint),
    handler: text(handler),
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => typeof value === "string")),
  };
}

/** JSON has no infinity, but numbers that become one. */
function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function framesFrom(value: unknown, what: string): Body {
  const isFrame = (frame: unknown): frame is string =>
    typeof frame === "string" && frame.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(frame);
  if (Array.isArray(value) && value.every(isFrame)) return value.map((frame) => Buffer.from(frame, "base64"));
  throw new Malformed(`${what}: a list of frames in base64 is expected`);
}
