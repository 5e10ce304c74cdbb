/** What commands have in common: options, and how their values are read. */
import { type Command, InvalidArgumentError } from "commander";
import { BOUNDS } from "../config/defaults.ts";

export const CONFIG = ["--config <file>", "the configuration; default: the nearest zmqecho.config.json"] as const;

/** The flags of `CodecFlags`. */
export function addCodecFlags(
  to: Command,
  codec = "raw, json, cbor, msgpack, protobuf, or one of the configuration; default: raw",
): Command {
  return to
    .option("--codec <name>", codec)
    .option("--proto <file>", "a .proto file, for the codec protobuf")
    .option("--type <name>", "the full name of the request's message type, such as shop.Order")
    .option("--response-type <name>", "that of the reply; default: the request's");
}

export function command(root: Command, usage: string, summary: string): Command {
  return root.command(usage).description(summary).showSuggestionAfterError().exitOverride();
}

export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

export function integer(least: number, most: number, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  // Commander adds which option it is.
  throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
}

export const timeoutMs = (text: string): number => integer(1, BOUNDS.timeoutMs, text);
export const intervalMs = (text: string): number => integer(0, BOUNDS.timeoutMs, text);
export const lookMs = (text: string): number => integer(100, BOUNDS.timeoutMs, text);
export const retries = (text: string): number => integer(0, BOUNDS.retries, text);
export const concurrency = (text: string): number => integer(1, BOUNDS.concurrency, text);
export const connections = (text: string): number => integer(1, BOUNDS.connections, text);
export const count = (text: string): number => integer(1, 1_000_000_000, text);
export const bytes = (text: string): number => integer(1, 2 ** 31 - 1, text);

export function speed(text: string): number {
  const value = /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError("It takes a number above 0, such as 2 or 0.5.");
}

/** For a command that only prints: without a reader it ends there and then, as SIGPIPE ends others. */
export function endWithOutput(): void {
  process.stdout.once("error", () => process.exit(process.exitCode ?? 128 + 13));
}

const MS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, "": 1000 };

/** `10s`, `500ms`, `2m`, or plain seconds, in milliseconds. */
export function duration(least: number, text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,10}(?:\.\d+)?)(ms|s|m|h|)$/.exec(text) ?? [];
  const ms = number === "" ? Number.NaN : Number(number) * (MS_OF_UNIT[unit] ?? Number.NaN);
  if (ms >= least && ms <= BOUNDS.timeoutMs) return ms;
  throw new InvalidArgumentError(`It takes a time such as 10s, 500ms, 2m, or plain seconds, from ${least} ms.`);
}

export const positiveDuration = (text: string): number => duration(1, text);
export const anyDuration = (text: string): number => duration(0, text);

/** Requests a second. */
export function rate(text: string): number {
  const value = /^\d{1,7}(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (value > 0 && value <= BOUNDS.rate) return value;
  throw new InvalidArgumentError(`It takes requests a second, above 0 and up to ${BOUNDS.rate}.`);
}
