/** The host's log: JSON lines for machines, one readable line each for people. Both go to stderr. */
import { createRequire } from "node:module";
import { inspect } from "node:util";
import type { DestinationStream, LogFn, Logger } from "pino";
import type { Log } from "./handler.ts";
import { printable, printableLine } from "./printable.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** `auto`: pretty if stderr is a terminal, JSON lines otherwise. */
  readonly format: "auto" | "pretty" | "json";
}

type Pino = typeof import("pino");

/** A log that never throws and ends nothing: a line that can't be written is lost. */
export function createLog({ level, format }: LogOptions): Log {
  const pino = createRequire(import.meta.url)("pino") as Pino;
  const pretty = format === "pretty" || (format === "auto" && process.stderr.isTTY === true);
  const stderr = stderrLines(pino);
  const destination: DestinationStream = pretty ? { write: (line) => stderr.write(prettyLine(line)) } : stderr;
  const formatters = { level: (label: string) => ({ level: label }) };
  const hooks = { logMethod: logReadable };
  return pino.pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters, hooks }, destination);
}

/** Fields come from strangers' code, and may resist being read: then the message stands alone. */
function logReadable(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  try {
    method.apply(this, args);
  } catch {
    const message = args.find((arg: unknown) => typeof arg === "string") ?? "a line without a message";
    method.call(this, `${message}; its fields can't be read`);
  }
}

/** stderr, line by line; never throws. */
function stderrLines(pino: Pino): DestinationStream {
  let stream = fresh();
  // What a stream could not write goes with it: kept, it would fill the memory.
  function fresh(): ReturnType<Pino["destination"]> {
    return pino.destination({ dest: 2, sync: true }).on("error", () => {
      stream = fresh();
    });
  }
  return { write: (line) => void stream.write(line) };
}

/** `12:59:01.123 INFO  listening on tcp://127.0.0.1:25933 endpoint=echo`, and an error's stack below. */
function prettyLine(line: string): string {
  const { level, time, msg, err, ...others } = JSON.parse(line) as Record<string, unknown>;
  const stack = typeof err === "object" && err !== null && "stack" in err ? String(err.stack) : undefined;
  const fields = stack === undefined && err !== undefined ? { err, ...others } : others;
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  const clock = String(time).slice(11, 23);
  const head = `${clock} ${String(level).toUpperCase().padEnd(5)} ${String(msg ?? "")}${pairs.join("")}`;
  return `${printableLine(head)}\n${stack === undefined ? "" : `${printable(stack)}\n`}`;
}

function fieldText(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { compact: true, breakLength: Number.POSITIVE_INFINITY });
}
