/** One call from bytes to bytes: decode, check, handle, check, encode. The same wherever the handler runs. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Body } from "../codecs/codec.ts";
import { type JsonObject, ZmqEchoError } from "../errors.ts";
import type { HandlerContext, HandlerDefinition } from "../handler.ts";
import type { Job } from "./runner.ts";

/** The body of the reply. Nothing in between waits unless the handler or a schema does. */
export function perform(definition: HandlerDefinition, job: Job, context: HandlerContext): Body | Promise<Body> {
  const received = job.codec.decodeBody(job.body);
  const input = definition.input === undefined ? received : checkInput(definition.input, received);
  return after(input, (accepted) =>
    after(definition.handle(accepted, context), (result) => finish(definition, job, result)),
  );
}

function finish(definition: HandlerDefinition, job: Job, result: unknown): Body | Promise<Body> {
  const output = definition.output === undefined ? result : checkOutput(definition.output, result);
  return after(output, (value) => {
    try {
      return own(job.codec.encodeBody(value), job);
    } catch (error) {
      // The caller did nothing wrong, so it is not told more; the cause names codec and path in the log.
      throw new ZmqEchoError("internal", "the handler's result can't be encoded", { cause: error });
    }
  });
}

/**
 * Raw passes on the very bytes that the handler returned, which it may use again before they are sent, and while they
 * are. The request's own, which an echo returns, are nobody else's.
 */
function own(body: Body, job: Job): Body {
  if (!job.codec.passesBytesOn) return body;
  return body.map((frame) => (job.body.includes(frame) ? frame : new Uint8Array(frame)));
}

function checkInput(schema: StandardSchemaV1, value: unknown): unknown {
  return after(schema["~standard"].validate(value), (result) => {
    if (result.issues === undefined) return result.value;
    const issues = result.issues
      .slice(0, 20)
      .map((issue): JsonObject => ({ path: pathOf(issue), message: issue.message }));
    const summary = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
    throw new ZmqEchoError("invalid_argument", `the input is refused: ${summary}`, { details: { issues } });
  });
}

function checkOutput(schema: StandardSchemaV1, value: unknown): unknown {
  return after(schema["~standard"].validate(value), (result) => {
    if (result.issues === undefined) return result.value;
    const summary = result.issues.map((issue) => `${pathOf(issue)}: ${issue.message}`).join("; ");
    throw new ZmqEchoError("internal", "the handler's result is refused by its output schema", {
      cause: new Error(summary),
    });
  });
}

/** `$.items[3].when`, as the codecs write paths. */
function pathOf(issue: StandardSchemaV1.Issue): string {
  const keys = (issue.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment));
  return `$${keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("")}`;
}

/** `then` that does not wait for what is there already. */
function after<In, Out>(value: In | Promise<In>, next: (value: In) => Out | Promise<Out>): Out | Promise<Out> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
