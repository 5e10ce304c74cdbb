/** The host's log: JSON lines for machines, one readable line each for people. Both go to stderr. */
import { createRequire } from "node:module";
import { inspect } from "node:util";
import type { DestinationStream } from "pino";
import type { Log } from "./handler.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** `auto`: pretty if stderr is a terminal, JSON lines otherwise. */
  readonly format: "auto" | "pretty" | "json";
}

export function createLog({ level, format }: LogOptions): Log {
  const pino = createRequire(import.meta.url)("pino") as typeof import("pino");
  const pretty = format === "pretty" || (format === "auto" && process.stderr.isTTY === true);
  const destination = pretty ? prettyDestination() : pino.destination({ dest: 2, sync: true });
  const labels = { level: (label: string) => ({ level: label }) };
  return pino.pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: labels }, destination);
}

/** `12:59:01.123 INFO  listening on tcp://127.0.0.1:25933 endpoint=echo`, and an error's stack below. */
function prettyDestination(): DestinationStream {
  return {
    write(line: string) {
      const { level, time, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const pairs = Object.entries(fields).map(
        ([name, value]) => ` ${name}=${typeof value === "string" ? value : inspect(value)}`,
      );
      const stack = typeof err === "object" && err !== null && "stack" in err ? `\n${String(err.stack)}` : "";
      const clock = String(time).slice(11, 23);
      process.stderr.write(
        `${clock} ${String(level).toUpperCase().padEnd(5)} ${String(msg ?? "")}${pairs.join("")}${stack}\n`,
      );
    },
  };
}
