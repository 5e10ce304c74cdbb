/** Replies as docs/protocol.md has them, read by a second reader than the project's own. */
import { ERROR_CODES, type ErrorCode } from "../../src/errors.ts";

export type Reply =
  | { readonly code: "ok"; readonly codec?: string; readonly body: readonly Uint8Array[] }
  | { readonly code: ErrorCode; readonly message: string; readonly details: Readonly<Record<string, unknown>> };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Throws for what is malformed. */
export function parseZepReply(frames: readonly Uint8Array[]): Reply {
  const [head, second, third, ...body] = frames.map((frame, index) => (index < 3 ? utf8.decode(frame) : frame));
  const code = /^ZEP1 ([a-z_]+)$/.exec(String(head))?.[1];
  if (code === undefined || typeof second !== "string" || typeof third !== "string") {
    throw new Error(`no reply in ZEP/1: ${frames.length} frames, the first ${JSON.stringify(head)}`);
  }
  if (code === "ok") {
    if (body.length === 0) throw new Error("a success without a body");
    objectFrom(third);
    return { code, codec: second, body: frames.slice(3) };
  }
  return { code: errorCode(code), message: second, details: objectFrom(third) };
}

/** Likewise. What has not the form of an error is a payload. */
export function parsePlainReply(frames: readonly Uint8Array[]): Reply {
  const [frame] = frames;
  if (frame === undefined) throw new Error("a reply without a frame");
  if (frames.length > 1 || Buffer.from(frame.subarray(0, 5)).toString("latin1") !== "ZEP1 ") {
    return { code: "ok", body: frames };
  }
  const [, code = "", message = "", details = ""] = /^ZEP1 ([a-z_]+)\n([^\n]*)\n(.*)$/s.exec(utf8.decode(frame)) ?? [];
  return { code: errorCode(code), message, details: objectFrom(details) };
}

function errorCode(code: string): ErrorCode {
  if (!Object.hasOwn(ERROR_CODES, code)) throw new Error(`${JSON.stringify(code)} is no code`);
  return code as ErrorCode;
}

function objectFrom(text: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = text === "" ? {} : JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new Error(`no object: ${text}`);
  return parsed as Readonly<Record<string, unknown>>;
}
