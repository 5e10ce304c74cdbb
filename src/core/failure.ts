/** From whatever went wrong to what the caller is told: a code, one line, details. The rest is for the log. */
import { inspect } from "node:util";
import { type JsonObject, ZmqEchoError } from "../errors.ts";
import type { Log } from "../handler.ts";
import type { Call, Failure, Source } from "./call.ts";
import type { RunningCall } from "./running-call.ts";

/** Says what went wrong, each to whom it concerns. None of it throws. */
export interface Reporter {
  /** A call that failed; `internal` is logged as an error with its cause. */
  failed(call: Call, error: unknown, job?: RunningCall): Failure;
  /** A message that could not be read as a call. */
  refused(error: ZmqEchoError, source: Source): Failure;
  /** A result, or an error, that came after its call had been answered. */
  dropped(job: RunningCall, error?: unknown): void;
}

export function createReporter(log: Log, newRequestId: () => string): Reporter {
  /** A log reads an error's fields, and a handler's error may not want to be read: that must not cost the reply. */
  function logError(level: "error" | "warn", facts: object, error: unknown, message: string): void {
    try {
      log[level]({ ...facts, err: loggable(error) }, message);
    } catch {
      log[level](facts, `${message}; its error can't be read`);
    }
  }

  return {
    failed(call, error, job) {
      const requestId = job?.requestId ?? call.metadata["request-id"] ?? newRequestId();
      const failure = failureFrom(error, requestId);
      const facts = { requestId, endpoint: call.source.endpoint, handler: call.handler, code: failure.code };
      if (failure.code === "internal") logError("error", facts, error, `handler ${call.handler} failed`);
      else log.debug(facts, failure.message);
      return failure;
    },

    refused(error, { endpoint }) {
      const requestId = newRequestId();
      const failure = failureFrom(error, requestId);
      log.debug({ requestId, endpoint, code: failure.code }, failure.message);
      return failure;
    },

    dropped(job, error) {
      const ranMs = Math.round(performance.now() - job.call.receivedAt);
      const facts = { requestId: job.requestId, endpoint: job.endpoint, handler: job.handler, ranMs };
      const message = `handler ${job.handler} ended after its call had been answered; its result is dropped`;
      if (error === undefined) log.warn(facts, message);
      else logError("warn", facts, error, message);
    },
  };
}

/** What the caller is told. Only a `ZmqEchoError` speaks for itself; anything else stays in the log. */
function failureFrom(thrown: unknown, requestId: string): Failure {
  if (!ZmqEchoError.is(thrown)) {
    return { code: "internal", message: "the handler failed; the host's log has the cause", details: { requestId } };
  }
  return { code: thrown.code, message: String(thrown.message), details: { ...sendable(thrown.details), requestId } };
}

/** What the log gets of a thrown thing: an Error as it is, anything else as text. Safe with what resists being read. */
function loggable(thrown: unknown): Error {
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
