/** Errors as data, for the way between a worker and its host, which keeps neither our classes nor what Node adds to its own. */
import { inspect, types } from "node:util";
import { CallError, type ErrorCode, type JsonObject, ZmqEchoError } from "../../errors.ts";
import { PluginError } from "../../loader/error.ts";
import type { PluginProblem } from "../../loader/find.ts";
import { shorten } from "../../wording.ts";

export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Of a `ZmqEchoError`; its details are JSON text. */
  readonly ours?: { readonly code: ErrorCode; readonly details: string; readonly isCallError: boolean };
  /** Of a `PluginError`. */
  readonly problem?: PluginProblem;
  /** What else it has: Node's `code`, `errno`, `syscall`, `path`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  readonly cause?: ErrorData;
}

/** A text or a stack is cut to this many characters. */
const LONGEST_TEXT = 16_384;

/** Details are dropped if they are longer as JSON. */
const LONGEST_DETAILS = 65_536;

/** Causes of causes beyond this many are left out, and with them circles. */
const MOST_CAUSES = 5;

/** Whatever was thrown, even if it is no Error or resists being read. */
export function dataFromError(thrown: unknown, causes = MOST_CAUSES): ErrorData {
  try {
    const error = isError(thrown) ? thrown : new Error(`not an Error was thrown: ${inspect(thrown, { depth: 2 })}`);
    const { name, message, stack, cause } = error;
    return {
      name: shorten(String(name), LONGEST_TEXT),
      message: shorten(String(message), LONGEST_TEXT),
      stack: shorten(String(stack ?? ""), LONGEST_TEXT),
      ...(ZmqEchoError.is(error) && {
        ours: { code: error.code, details: jsonFrom(error.details), isCallError: CallError.is(error) },
      }),
      ...(error instanceof PluginError && { problem: { ...error.problem } }),
      facts: factsOf(error),
      ...(cause !== undefined && causes > 0 && { cause: dataFromError(cause, causes - 1) }),
    };
  } catch {
    return { name: "Error", message: "something unreadable was thrown", stack: "", facts: {} };
  }
}

/** An Error with the text, the stack and the class that it had where it was thrown, as far as the class is known here. */
export function errorFromData(data: ErrorData): Error {
  const error = errorOfItsClass(data);
  hide(error, "stack", data.stack);
  if (error.name !== data.name) hide(error, "name", data.name);
  if (data.cause !== undefined) hide(error, "cause", errorFromData(data.cause));
  return error;
}

const NATIVE: Readonly<Record<string, ErrorConstructor>> = Object.assign(Object.create(null), {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
});

function errorOfItsClass({ name, message, ours, problem, facts }: ErrorData): Error {
  if (problem !== undefined) return new PluginError(problem);
  if (ours !== undefined) {
    const error = new ZmqEchoError(ours.code, message, { details: JSON.parse(ours.details) as JsonObject });
    return ours.isCallError ? new CallError(error) : error;
  }
  return Object.assign(new (NATIVE[name] ?? Error)(message), facts);
}

function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true });
}

function isError(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error;
}

/** As they would be sent; the same words as for those that can't be. */
function jsonFrom(details: JsonObject): string {
  try {
    const text = JSON.stringify(details) ?? "{}";
    return text.length <= LONGEST_DETAILS ? text : JSON.stringify({ detailsDropped: `over ${LONGEST_DETAILS} bytes` });
  } catch {
    return JSON.stringify({ detailsDropped: "not a JSON object" });
  }
}

function factsOf(error: Error): ErrorData["facts"] {
  const facts: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(error)) {
    if (typeof value === "string") facts[name] = shorten(value, LONGEST_TEXT);
    else if (typeof value === "number" || typeof value === "boolean") facts[name] = value;
  }
  return facts;
}
