/** From whatever went wrong to what the caller is told: a code, one line, details. The rest is for the log. */
import { inspect } from "node:util";
import { CallError, type JsonObject, ZmqEchoError } from "../errors.ts";
import type { Log } from "../handler.ts";
import { traceIds } from "../runtime/context.ts";
import { shorten } from "../wording.ts";
import type { Call, Failure, Source } from "./call.ts";
import { type RunningCall, traceOf } from "./running-call.ts";

/** Says what went wrong, each to whom it concerns. None of it throws. */
export interface Reporter {
  /** A call that failed; `internal` is logged as an error with its cause. */
  failed(call: Call, error: unknown, job?: RunningCall): Failure;
  /** A message that could not be read as a call. */
  refused(error: ZmqEchoError, source: Source): Failure;
  /** A result, or an error, that came after its call had been answered. */
  dropped(job: RunningCall, error?: unknown): void;
  /** A hook that threw; said once, since it would be with every call. */
  hookFailed(error: unknown): void;
  /** A call that kept all others of its endpoint waiting; said once. */
  slowInLockStep(call: Call, ms: number): void;
}

export function createReporter(log: Log, newRequestId: () => string): Reporter {
  /**
   * A log reads an error's fields, which a handler's error may resist, and writes to a disk that may be full: neither
   * may cost the reply.
   */
  function tell(level: "debug" | "warn" | "error", facts: object, message: string): void {
    try {
      log[level](facts, message);
    } catch {
      // There is nobody left to tell.
    }
  }

  function tellError(level: "warn" | "error", facts: object, error: unknown, message: string): void {
    try {
      log[level]({ ...facts, err: loggable(error) }, message);
    } catch {
      tell(level, facts, `${message}; its error can't be read`);
    }
  }

  let hookHasFailed = false;
  let wasSlow = false;

  return {
    failed(call, error, job) {
      const requestId = job?.requestId ?? call.metadata["request-id"] ?? newRequestId();
      const failure = failureFrom(error, requestId);
      const facts = {
        requestId,
        endpoint: call.source.endpoint,
        handler: call.handler,
        code: failure.code,
        ...traceIds(traceOf(call)),
      };
      if (failure.code === "internal") tellError("error", facts, error, `handler ${call.handler} failed`);
      else tell("debug", facts, failure.message);
      return failure;
    },

    refused(error, { endpoint }) {
      const requestId = newRequestId();
      const failure = failureFrom(error, requestId);
      tell("debug", { requestId, endpoint, code: failure.code }, failure.message);
      return failure;
    },

    dropped(job, error) {
      const ranMs = Math.round(performance.now() - job.call.receivedAt);
      const { requestId, endpoint, handler } = job;
      const facts = { requestId, endpoint, handler, ranMs, ...traceIds(traceOf(job.call)) };
      const message = `handler ${job.handler} ended after its call had been answered; its result is dropped`;
      if (error === undefined) tell("warn", facts, message);
      else tellError("warn", facts, error, message);
    },

    hookFailed(error) {
      if (!hookHasFailed) tellError("error", {}, error, "a hook failed; calls go on, and it is not said again");
      hookHasFailed = true;
    },

    slowInLockStep({ handler, source: { endpoint } }, ms) {
      if (wasSlow) return;
      wasSlow = true;
      const what = `handler ${handler} took ${Math.round(ms)} ms, and endpoint ${endpoint} reads no other request meanwhile`;
      tell(
        "warn",
        { endpoint, handler },
        `${what}; write "concurrency": 16 in endpoints.${endpoint} to serve side by side`,
      );
    },
  };
}

/** What the caller is told. Only an error meant for it speaks for itself; anything else stays in the log. */
function failureFrom(thrown: unknown, requestId: string): Failure {
  try {
    if (ZmqEchoError.is(thrown) && !CallError.is(thrown)) {
      return {
        code: thrown.code,
        message: String(thrown.message),
        details: { ...sendable(thrown.details), requestId },
      };
    }
  } catch {
    // It resists being read, so there is nothing in it to tell.
  }
  return { code: "internal", message: "the handler failed; the host's log has the cause", details: { requestId } };
}

/** What the log gets of a thrown thing: an Error as it is, anything else as text. Safe with what resists being read. */
export function loggable(thrown: unknown): Error {
  try {
    return thrown instanceof Error
      ? cut(thrown)
      : new Error(`not an Error was thrown: ${inspect(thrown, { depth: 2 })}`);
  } catch {
    return new Error("something unreadable was thrown");
  }
}

/** A text or a stack longer than this would hold everybody up while it is written. */
const LONGEST_TEXT = 16_384;

function cut(error: Error): Error {
  const { name, message, stack = "", cause } = error;
  if (message.length <= LONGEST_TEXT && stack.length <= LONGEST_TEXT) return error;
  const short = new Error(shorten(message, LONGEST_TEXT), cause === undefined ? {} : { cause });
  return Object.assign(short, { name, stack: shorten(stack, LONGEST_TEXT) });
}

/** Details come from handlers: what JSON can't carry, or a receiver refuses, must not cost the caller its reply. */
function sendable(details: JsonObject): JsonObject {
  try {
    const withoutProto = (key: string, value: unknown): unknown => (key === "__proto__" ? undefined : value);
    const copy: unknown = JSON.parse(JSON.stringify(details), withoutProto);
    if (typeof copy === "object" && copy !== null && !Array.isArray(copy)) return copy as JsonObject;
  } catch {
    // told below
  }
  return { detailsDropped: "not a JSON object" };
}
