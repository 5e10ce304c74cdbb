/**
 * The one error type and the one table of codes. Everything a caller can be told is in here.
 * The names and numbers are gRPC's, spelled as Connect spells them (`canceled`): https://grpc.io/docs/guides/status-codes/
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

interface CodeFacts {
  /** gRPC's status number. The command line exits with 64 + this. */
  readonly number: number;
  /** Whether the same call may be sent again, unchanged, with a hope of success. */
  readonly retryable: boolean;
  readonly meaning: string;
}

/** Every code a reply can carry, with what it means. docs/errors.md is tested against this table. */
export const ERROR_CODES = {
  canceled: { number: 1, retryable: false, meaning: "the caller gave up before the call ended" },
  unknown: { number: 2, retryable: false, meaning: "an error that fits no other code" },
  invalid_argument: { number: 3, retryable: false, meaning: "malformed, undecodable, or refused by the input schema" },
  deadline_exceeded: { number: 4, retryable: false, meaning: "no result before the deadline" },
  not_found: { number: 5, retryable: false, meaning: "no handler of that name here, or what it looked for is missing" },
  already_exists: { number: 6, retryable: false, meaning: "what should be created is there already" },
  permission_denied: { number: 7, retryable: false, meaning: "this caller may not do this" },
  resource_exhausted: { number: 8, retryable: true, meaning: "a limit on size, frames or waiting calls was reached" },
  failed_precondition: { number: 9, retryable: false, meaning: "the state does not allow this; mend it first" },
  aborted: { number: 10, retryable: false, meaning: "a conflict ended the call; start over from its beginning" },
  out_of_range: { number: 11, retryable: false, meaning: "a value outside what exists" },
  unimplemented: { number: 12, retryable: false, meaning: "a codec, verb or version that is not served here" },
  internal: { number: 13, retryable: false, meaning: "the handler or the host failed; the log has the cause" },
  unavailable: { number: 14, retryable: true, meaning: "not reachable, not loaded, or shutting down" },
  data_loss: { number: 15, retryable: false, meaning: "data is lost or damaged for good" },
  unauthenticated: { number: 16, retryable: false, meaning: "no key, or not an accepted one" },
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** True for a name of the table, and for nothing else: `isErrorCode("toString")` is false. */
export function isErrorCode(name: unknown): name is ErrorCode {
  return typeof name === "string" && Object.hasOwn(ERROR_CODES, name);
}

/** The process exit code for an error code: 64 + gRPC's number, as grpcurl does. */
export function exitCodeOf(code: ErrorCode): number {
  return 64 + ERROR_CODES[code].number;
}

const BRAND = Symbol.for("zmqecho.error");

export interface ErrorOptions {
  /** Facts for the receiver, as JSON. They are sent with the error. */
  readonly details?: JsonObject;
  /** The real cause. It is logged, and never sent. */
  readonly cause?: unknown;
}

/**
 * An error meant for its receiver: code, message and details travel in the reply.
 * A handler throws it to tell the client something; whatever else it throws becomes `internal` without a text.
 */
export class ZmqEchoError extends Error {
  readonly code: ErrorCode;
  readonly details: JsonObject;
  /** @internal Marks our errors across copies of this module. */
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (!isErrorCode(code)) {
      throw new TypeError(`"${String(code)}" is no error code; there are ${Object.keys(ERROR_CODES).join(", ")}`);
    }
    this.name = "ZmqEchoError";
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Whether the same call may be sent again (see {@link ERROR_CODES}). */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  /** True for an error of ours, even from another copy of this package. Safe with whatever was thrown. */
  static is(error: unknown): error is ZmqEchoError {
    try {
      return (
        typeof error === "object" && error !== null && BRAND in error && "code" in error && isErrorCode(error.code)
      );
    } catch {
      return false;
    }
  }

  /** Ours as it is; anything else as `code` with a fixed text and the original as its cause, so that nothing leaks. */
  static from(error: unknown, code: ErrorCode = "internal", message = "internal error"): ZmqEchoError {
    return ZmqEchoError.is(error) ? error : new ZmqEchoError(code, message, { cause: error });
  }
}

const CALL = Symbol.for("zmqecho.call-error");

/**
 * A call to another server that failed, with the code, message and details it sent, or the reason seen from here.
 * A handler that lets one through fails with `internal`: where and why its own calls fail is not its caller's business.
 * To tell it all the same, throw a new `ZmqEchoError`.
 */
export class CallError extends ZmqEchoError {
  /** @internal As the brand of {@link ZmqEchoError}. */
  readonly [CALL] = true;

  /** @param error what happened; its text and details are taken over, and it is the cause */
  constructor(error: ZmqEchoError) {
    super(error.code, error.message, { details: error.details, cause: error });
    this.name = "CallError";
  }

  static override is(error: unknown): error is CallError {
    return ZmqEchoError.is(error) && CALL in error;
  }
}

/** The text of whatever was thrown, even if it is no Error or refuses to be read. */
export function textOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return thrown.message || thrown.name;
    return typeof thrown === "string" ? thrown : `a thrown ${thrown === null ? "null" : typeof thrown}`;
  } catch {
    return "an unreadable error";
  }
}

/** One thing wrong in the configuration or on the command line. */
export interface Problem {
  /** Where the text is, as an absolute path; absent for defaults and flags. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Path of the value, such as `endpoints.echo.bind`. */
  readonly path?: string;
  /** What is wrong and what to write instead, in one line. */
  readonly message: string;
}

/** `file:line:column: path: message`, with what is known of it. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message } = problem;
  const position = line === undefined ? "" : `:${line}:${column ?? 1}`;
  return [file === undefined ? undefined : `${file}${position}`, path || undefined, message]
    .filter((part) => part !== undefined)
    .join(": ");
}

/** A configuration or a command line that can't be used: all its problems at once. The command line exits with 2. */
export class ConfigError extends ZmqEchoError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super("invalid_argument", problems.map(formatProblem).join("\n"), {
      details: { problems: problems.map((problem) => ({ ...problem })) },
    });
    this.name = "ConfigError";
    this.problems = problems;
  }
}
