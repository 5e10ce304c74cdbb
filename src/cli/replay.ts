/** `zmqecho replay`: a recording's requests again, and how the replies differ. */
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClientWith } from "../client/client.ts";
import type { Body, Codec } from "../codecs/codec.ts";
import { createRawCodec } from "../codecs/raw.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { exitCodeOf, textOf, ZmqEchoError } from "../errors.ts";
import { printable, printableLine } from "../printable.ts";
import { type Difference, differences, type Pattern, parsePattern } from "../recording/difference.ts";
import { codecOf, type Entry, type Header, loadRecording } from "../recording/format.ts";
import { createReader, type Reader, type Said } from "../recording/said.ts";
import { jsonText, rawBodyText } from "../show.ts";
import { numbered } from "../wording.ts";
import type { CodecFlags } from "./codec-flags.ts";
import { builtInCodecs } from "./codecs-by-name.ts";
import { type Destination, findDestination } from "./destination.ts";
import { CommandFailure, usageError } from "./failure.ts";
import type { KeyFlags } from "./keys.ts";

export interface ReplayFlags extends CodecFlags, KeyFlags {
  readonly config?: string;
  readonly fast?: boolean;
  readonly speed?: number;
  readonly ignore?: readonly string[];
  readonly timeout?: number;
  readonly output: "pretty" | "json";
}

/** What became of one request. */
type Result =
  | { readonly kind: "equal" }
  | { readonly kind: "differs"; readonly differences: readonly Difference[] }
  | { readonly kind: "failed"; readonly error: ZmqEchoError };

/**
 * Throws a usage error (2) for a file that can't be read, before anything is sent. Exits with 1 if a reply differs, and
 * with 64 + its number if a call failed; the first one that did counts.
 */
export async function replay(file: string, address: string | undefined, flags: ReplayFlags): Promise<void> {
  if (flags.fast && flags.speed !== undefined) throw usageError("--fast and --speed exclude each other");
  const ignored = (flags.ignore ?? []).map(readPattern);
  const { header, entries } = await loadRecording(file);
  const { codec, ...to } = await findTarget(header, address, flags);
  const reader = createReader({
    zep: header.zep,
    requestCodec: codec,
    replyCodec: codec,
    ...(header.zep && { codecNamed: await builtInCodecs() }),
  });
  const answered = entries.filter(({ reply }) => reply !== undefined);
  const client = createClientWith(createRawCodec("raw", DEFAULTS.limits), {
    connect: to.addresses,
    timeoutMs: flags.timeout ?? to.timeoutMs ?? DEFAULTS.clientTimeoutMs,
    curve: to.curve,
    limits: { maxMessageBytes: LARGEST_REPLY, maxFrames: MOST_FRAMES },
  });
  const count = { requests: 0, equal: 0, differs: 0, failed: 0, unanswered: entries.length - answered.length };
  let firstError: ZmqEchoError | undefined;

  async function one(entry: Entry): Promise<void> {
    const result = await ask(client, entry, reader, ignored);
    count.requests++;
    count[result.kind]++;
    if (result.kind === "failed") firstError ??= result.error;
    for (const line of linesOf(entry, result, flags.output)) process.stdout.write(`${line}\n`);
  }

  try {
    const under: Promise<void>[] = [];
    const from = performance.now();
    const firstAt = answered[0]?.atMs ?? 0;
    for (const entry of answered) {
      if (flags.fast) {
        await one(entry);
      } else {
        const waitMs = (entry.atMs - firstAt) / (flags.speed ?? 1) - (performance.now() - from);
        if (waitMs > 0) await delay(waitMs);
        under.push(one(entry));
      }
      // Where nobody is, or nobody who would have us, none of them will be answered.
      const isAway = firstError?.code === "unavailable" || firstError?.code === "unauthenticated";
      if (isAway && count.failed === count.requests) break;
    }
    await Promise.all(under);
  } finally {
    await client.close();
  }
  process.stdout.write(`${flags.output === "json" ? JSON.stringify({ summary: count }) : summary(count)}\n`);
  if (firstError !== undefined) throw new CommandFailure(exitCodeOf(firstError.code));
  if (count.differs > 0) throw new CommandFailure(1);
}

/** What was recorded is compared, however large the tap let it be. */
const LARGEST_REPLY = 2 ** 30;
const MOST_FRAMES = 65_536;

async function ask(client: Client, entry: Entry, reader: Reader, ignored: readonly Pattern[]): Promise<Result> {
  const { request, reply = [] } = entry;
  const was = reader.reply(reply);
  let is: Said;
  try {
    const frames = await client.exchange(request);
    if (areSame(reply, frames)) return { kind: "equal" };
    is = reader.reply(frames);
  } catch (thrown) {
    const error = ZmqEchoError.from(thrown);
    // The client takes a plain error's reply for the failure that it is; here it is a reply like any other.
    if (was.kind !== "error" || was.code !== error.code) return { kind: "failed", error };
    is = { kind: "error", code: error.code, message: error.message, details: error.details };
  }
  const found = differences(comparable(was), comparable(is), ignored);
  return found.length === 0 ? { kind: "equal" } : { kind: "differs", differences: found };
}

function areSame(one: Body, other: Body): boolean {
  return (
    one.length === other.length &&
    one.every((frame, index) => Buffer.compare(frame, other[index] ?? frame.subarray(1)) === 0)
  );
}

/** A body is compared as its value; an error without what is new in each. */
function comparable(said: Said): unknown {
  switch (said.kind) {
    case "body":
      return said.value;
    case "error": {
      const { requestId: _, ...details } = said.details;
      return { error: said.code, message: said.message, details };
    }
    case "unreadable":
      return said.frames;
    case "verb":
      return said.verb;
  }
}

function linesOf({ number, atMs }: Entry, result: Result, output: ReplayFlags["output"]): string[] {
  if (result.kind === "equal") return [];
  if (result.kind === "failed") {
    const { code, message, details } = result.error;
    if (output === "json") return [JSON.stringify({ n: number, atMs, failed: { code, message, details } })];
    return [printableLine(`#${number}: failed: ${code}: ${message}`)];
  }
  if (output === "pretty") {
    return result.differences.map(({ path, was, is }) => {
      return printableLine(`#${number}: ${path}: was ${text(was)}, is ${text(is)}`);
    });
  }
  const found = result.differences.map(({ path, was, is }) => {
    const member = (name: string, value: unknown) =>
      value === undefined ? "" : `,"${name}":${jsonText(value as never)}`;
    return `{"path":${JSON.stringify(path)}${member("was", was)}${member("is", is)}}`;
  });
  return [`{"n":${number},"atMs":${atMs},"differences":[${found.join(",")}]}`];
}

const LONGEST_SHOWN = 200;

function text(value: unknown): string {
  if (value === undefined) return "not there";
  const shown = value instanceof Uint8Array ? rawBodyText([value]) : printable(jsonText(value as never));
  return shown.length <= LONGEST_SHOWN ? shown : `${shown.slice(0, LONGEST_SHOWN)}…`;
}

function summary({
  requests,
  equal,
  differs,
  failed,
  unanswered,
}: Record<Result["kind"] | "requests" | "unanswered", number>) {
  const rest = unanswered === 0 ? "" : `, ${unanswered} without a recorded reply not sent`;
  return `${numbered(requests, "request")}: ${equal} equal, ${differs} different, ${failed} failed${rest}`;
}

function readPattern(given: string): Pattern {
  try {
    return parsePattern(given);
  } catch (error) {
    throw usageError(`--ignore ${textOf(error)}`);
  }
}

async function findTarget(
  header: Header,
  given: string | undefined,
  { config, codec, proto, type, responseType, serverKey, certificate }: ReplayFlags,
): Promise<Pick<Destination, "addresses" | "timeoutMs" | "curve"> & { readonly codec: Codec }> {
  const own = { config, codec, proto, type, responseType, serverKey, certificate };
  const recorded = codec === undefined && proto === undefined ? await codecOf(header, "client") : undefined;
  // A plugin's codec is in the configuration's folders.
  const named = (recorded ?? codec ?? proto) ? {} : { codec: header.codec };
  const flags = Object.fromEntries(Object.entries({ ...own, ...named }).filter(([, value]) => value !== undefined));
  const address = given ?? header.target;
  const to = /^[a-z]+:\/\//i.test(address)
    ? await findDestination(address, flags)
    : await findDestination(undefined, { ...flags, endpoint: address, anyHandler: true });
  return recorded === undefined ? to : { ...to, codec: recorded };
}
