/** From whatever went wrong to what the caller is told: a code, one line, details. The rest is for the log. */
import { inspect } from "node:util";
import { type JsonObject, ZmqEchoError } from "../errors.ts";
import type { Failure } from "./call.ts";

/** What the caller is told. Only a `ZmqEchoError` speaks for itself; anything else stays in the log. */
export function failureFrom(thrown: unknown, requestId: string): Failure {
  if (!ZmqEchoError.is(thrown)) {
    return { code: "internal", message: "the handler failed; the host's log has the cause", details: { requestId } };
  }
  return { code: thrown.code, message: String(thrown.message), details: { ...sendable(thrown.details), requestId } };
}

/** What the log gets of a thrown thing: an Error as it is, anything else as text. Safe with what resists being read. */
export function loggable(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(`not an Error was thrown: ${inspect(thrown, { depth: 2 })}`);
  } catch {
    return new Error("something unreadable was thrown");
  }
}

/** Details come from handlers: what JSON can't carry must not cost the caller its reply. */
function sendable(details: JsonObject): JsonObject {
  try {
    const copy: unknown = JSON.parse(JSON.stringify(details));
    if (typeof copy === "object" && copy !== null && !Array.isArray(copy)) return copy as JsonObject;
  } catch {
    // told below
  }
  return { detailsDropped: "not a JSON object" };
}
