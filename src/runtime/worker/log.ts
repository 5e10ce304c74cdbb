/** `context.log` of a worker: its lines are written by the host. */
import { inspect } from "node:util";
import { textOf } from "../../errors.ts";
import type { Log, LogMethod } from "../../handler.ts";
import { dataFromError, type ErrorData } from "../error-data.ts";
import type { LogMessage } from "../messages.ts";
import type { Connection } from "./connection.ts";

/** Fields that can't cross become text, so that no line is lost for them. */
export function createWorkerLog(host: Connection, bound: object = {}): Log {
  function method(level: LogMessage["level"]): LogMethod {
    return (first: string | object, second?: string) => {
      const [given, message] = typeof first === "string" ? [{}, first] : [fieldsOf(first), second ?? textOfOne(first)];
      const fields: Record<string, unknown> = {};
      const errors: Record<string, ErrorData> = {};
      for (const [name, value] of Object.entries({ ...bound, ...given })) {
        if (value instanceof Error) errors[name] = dataFromError(value);
        else fields[name] = portable(value, host);
      }
      host.send({ kind: "log", level, fields, errors, message });
    };
  }
  return {
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
    child: (fields) => createWorkerLog(host, { ...bound, ...fields }),
  };
}

/** As pino has it: an error alone is the field `err`, and its text the message. */
function fieldsOf(given: object): object {
  return given instanceof Error ? { err: given } : given;
}

function textOfOne(given: object): string {
  return given instanceof Error ? textOf(given) : "";
}

function portable(value: unknown, host: Connection): unknown {
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol" ? inspect(value) : value;
  }
  try {
    // Loggers write what it returns, and a copy no longer has it.
    return host.copy("toJSON" in value && typeof value.toJSON === "function" ? value.toJSON() : value);
  } catch {
    return inspect(value, { depth: 2 });
  }
}
