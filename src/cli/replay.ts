/** `zmqecho replay`: a recording's requests again, and how the replies differ. */
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClientWith } from "../client/client.ts";
import type { Body, Codec } from "../codecs/codec.ts";
import { createRawCodec } from "../codecs/raw.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { exitCodeOf, textOf, ZmqEchoError } from "../errors.ts";
import { differences, type Pattern, parsePattern } from "../recording/difference.ts";
import { codecOf, type Entry, type Header, loadRecording } from "../recording/format.ts";
import { createReader, type Reader, type Said } from "../recording/said.ts";
import type { CodecFlags } from "./codec-flags.ts";
import { builtInCodecs } from "./codecs-by-name.ts";
import { type Destination, findDestination } from "./destination.ts";
import { CommandFailure, usageError } from "./failure.ts";
import type { KeyFlags } from "./keys.ts";
import { comparable, linesOf, type Result, summaryLine } from "./replay-result.ts";

export interface ReplayFlags extends CodecFlags, KeyFlags {
  readonly config?: string;
  readonly fast?: boolean;
  readonly speed?: number;
  readonly ignore?: readonly string[];
  readonly timeout?: number;
  readonly output: "pretty" | "json";
}

/**
 * Throws a usage error (2) for a file that can't be read, before anything is sent. Exits with 1 if a reply differs, and
 * with 64 + its number if a call failed; the first one that did counts. Of requests that had failed, whatever reply is well.
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
  const count = {
    requests: 0,
    equal: 0,
    differs: 0,
    failed: 0,
    answered: 0,
    unanswered: entries.length - answered.length,
  };
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
      if (firstError !== undefined && isAway(firstError) && count.failed === count.requests) break;
    }
    await Promise.all(under);
  } finally {
    await client.close();
  }
  const ofFailed = entries.some(({ failed }) => failed !== undefined);
  process.stdout.write(`${summaryLine(count, ofFailed, flags.output)}\n`);
  if (firstError !== undefined) throw new CommandFailure(exitCodeOf(firstError.code));
  if (count.differs > 0) throw new CommandFailure(1);
}

/** What was recorded is compared, however large the tap let it be. */
const LARGEST_REPLY = 2 ** 30;
const MOST_FRAMES = 65_536;

/** What a server has said itself holds the id of the request. */
function isAway({ code, details }: ZmqEchoError): boolean {
  return (code === "unavailable" || code === "unauthenticated") && details.requestId === undefined;
}

async function ask(client: Client, entry: Entry, reader: Reader, ignored: readonly Pattern[]): Promise<Result> {
  const { request, reply = [], failed } = entry;
  if (failed !== undefined) return askAgain(client, request, reader);
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

/** One that had failed: whatever it is answered with is better than that, if it is an answer. */
async function askAgain(client: Client, request: Body, reader: Reader): Promise<Result> {
  try {
    const is = reader.reply(await client.exchange(request));
    if (is.kind === "error")
      return { kind: "failed", error: new ZmqEchoError(is.code, is.message, { details: is.details }) };
    if (is.kind !== "unreadable" || is.unknownCodec !== undefined) return { kind: "answered", is };
    return { kind: "failed", error: new ZmqEchoError("internal", `the reply can't be read: ${is.why}`) };
  } catch (thrown) {
    return { kind: "failed", error: ZmqEchoError.from(thrown) };
  }
}

function areSame(one: Body, other: Body): boolean {
  return (
    one.length === other.length &&
    one.every((frame, index) => Buffer.compare(frame, other[index] ?? frame.subarray(1)) === 0)
  );
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
