/** `context.log` of a worker: its lines are written by the host. */
import { inspect } from "node:util";
import { textOf } from "../../errors.ts";
import type { Log, LogMethod } from "../../handler.ts";
import { shorten } from "../../wording.ts";
import { dataFromError, type ErrorData } from "../link/error-data.ts";
import type { LogMessage } from "../link/messages.ts";
import type { Connection } from "./connection.ts";

/** As many lines may go at once, and as many each second after that. A handler that logs without end must not take the host's time. */
const LINES_PER_SECOND = 1000;

/** A line's text, and each of its fields that is text, is cut to this many characters. */
const LONGEST_TEXT = 16_384;

/** Lets lines through while there are not too many; the next one that may go says how many were dropped. */
function createGate(send: (line: LogMessage) => void): (line: LogMessage) => void {
  let left = LINES_PER_SECOND;
  let since = performance.now();
  let dropped = 0;
  return (line) => {
    const now = performance.now();
    left = Math.min(LINES_PER_SECOND, left + ((now - since) / 1000) * LINES_PER_SECOND);
    since = now;
    if (left < 1) {
      dropped++;
      return;
    }
    left--;
    if (dropped > 0) {
      const message = `${dropped} lines were dropped here: there were more than ${LINES_PER_SECOND} a second`;
      send({ kind: "log", level: "warn", fields: {}, errors: {}, message });
      dropped = 0;
    }
    send(line);
  };
}

/** Fields that can't cross become text, so that no line is lost for them. */
export function createWorkerLog(host: Connection): Log {
  return logTo(createGate(host.send), host, {});
}

function logTo(send: (line: LogMessage) => void, host: Connection, bound: object): Log {
  function method(level: LogMessage["level"]): LogMethod {
    return (first: string | object, second?: string) => {
      const [given, message] = typeof first === "string" ? [{}, first] : [fieldsOf(first), second ?? textOfOne(first)];
      const fields: Record<string, unknown> = {};
      const errors: Record<string, ErrorData> = {};
      for (const [name, value] of Object.entries({ ...bound, ...given })) {
        if (isError(value)) errors[name] = dataFromError(value);
        else fields[name] = portable(value, host);
      }
      send({ kind: "log", level, fields, errors, message: shorten(message, LONGEST_TEXT) });
    };
  }
  return {
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
    child: (fields) => logTo(send, host, { ...bound, ...fields }),
  };
}

/** As pino has it: an error alone is the field `err`, and its text the message. */
function fieldsOf(given: object): object {
  return isError(given) ? { err: given } : given;
}

function textOfOne(given: object): string {
  return isError(given) ? textOf(given) : "";
}

/** What a handler logs may resist being read. */
function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

function portable(value: unknown, host: Connection): unknown {
  if (typeof value === "string") return shorten(value, LONGEST_TEXT);
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol" ? inspect(value) : value;
  }
  try {
    // Loggers write what it returns, and a copy no longer has it.
    return host.copy("toJSON" in value && typeof value.toJSON === "function" ? value.toJSON() : value);
  } catch {
    return unreadable(value);
  }
}

function unreadable(value: object): string {
  try {
    return shorten(inspect(value, { depth: 2 }), LONGEST_TEXT);
  } catch {
    return "something unreadable";
  }
}
