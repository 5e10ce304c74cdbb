/** `zmqecho tap`: between clients and their server, showing and recording what passes. */
import { DEFAULTS } from "../config/defaults.ts";
import { textOf } from "../errors.ts";
import { type Header, rounded } from "../recording/format.ts";
import { createReader } from "../recording/said.ts";
import { createRecorder, type Recorder } from "../recording/write.ts";
import { createExchanges, type Exchange, sizeOf } from "../tap/exchanges.ts";
import { createLatencies, type Latencies } from "../tap/latencies.ts";
import { createProxy } from "../transports/zmq/proxy.ts";
import { isLoopback, overlap, parseAddress, reachable } from "../wire/address.ts";
import { numbered } from "../wording.ts";
import type { CodecFlags } from "./codec-flags.ts";
import { builtInCodecs } from "./codecs-by-name.ts";
import { type Destination, findDestination } from "./destination.ts";
import { CommandFailure, usageError } from "./failure.ts";
import { createLater, createLines } from "./lines.ts";
import { alreadyThere } from "./new-file.ts";
import { createView } from "./tap-view.ts";

export interface TapFlags extends CodecFlags {
  readonly config?: string;
  readonly zep?: boolean;
  readonly record?: string;
  readonly filter?: string;
  readonly maxFrameBytes?: number;
  readonly output: "pretty" | "json";
  readonly quiet?: boolean;
}

interface Counts {
  requests: number;
  replies: number;
  /** Replies that no request waited for. */
  strays: number;
  unanswered: number;
  bytes: number;
}

/** Requests whose replies are waited for, and their bytes. */
const MOST_WAITING = 100_000;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

/** For a reader of standard output that is slow, at the end. */
const LAST_LINES_MS = 1000;
const LAST_MOMENT_MS = 100;

/**
 * Passes on until SIGINT or SIGTERM, then what is under way for a second at most; a second signal ends the process at
 * once. Throws a usage error (2), `already_exists` for the file, and exits with 1 when LISTEN can't be had or the
 * recording is not complete, with 141 when nobody reads what it prints.
 */
export async function tap(listen: string, target: string, flags: TapFlags): Promise<void> {
  const to = await findTarget(target, flags);
  const [address = target] = to.addresses;
  checkPlaces(listen, address);
  const zep = flags.zep ?? to.byName ?? false;
  const reader = createReader({
    zep,
    requestCodec: to.requestCodec(),
    replyCodec: to.codec,
    ...(zep && { codecNamed: await builtInCodecs() }),
  });

  let end: (why: string) => void = () => {};
  const ending = new Promise<string>((resolve) => {
    end = resolve;
  });
  catchSignals(end);
  const lines = createLines(() => end("EPIPE"));
  const latencies = createLatencies();
  const counts: Counts = { requests: 0, replies: 0, strays: 0, unanswered: 0, bytes: 0 };
  const startedAt = performance.now();
  let recorder: Recorder | undefined;
  let failure: Error | undefined;

  const view = createView({
    reader,
    output: flags.output,
    quiet: flags.quiet ?? false,
    filter: flags.filter,
    startedAt,
    print: lines.print,
    record: (exchange) => recorder?.write({ ...exchange, atMs: exchange.at - startedAt }),
  });
  // Nobody waits for a line, so those of a moment are made and written together.
  const later = createLater(lines.flushLines);
  const unanswered = (exchange: Exchange): void => {
    counts.unanswered++;
    later.add(() => view.end(exchange));
  };
  const exchanges = createExchanges({ most: MOST_WAITING, mostBytes: MOST_WAITING_BYTES, onGivenUp: unanswered });

  const proxy = createProxy({
    listen,
    target: address,
    handshakeMs: DEFAULTS.limits.handshakeMs,
    maxFrameBytes: flags.maxFrameBytes ?? DEFAULTS.limits.maxMessageBytes * 2,
    onRequest(frames, at) {
      const exchange = exchanges.request(frames, at);
      counts.requests++;
      counts.bytes += sizeOf(exchange.request);
      later.add(() => view.request(exchange));
    },
    onReply(frames, at) {
      counts.replies++;
      const exchange = exchanges.reply(frames, at);
      if (exchange === undefined) {
        counts.strays++;
        counts.bytes += sizeOf(frames.slice(1));
        return;
      }
      counts.bytes += sizeOf(exchange.reply ?? []);
      latencies.add(exchange.latencyMs ?? 0);
      later.add(() => view.end(exchange));
    },
    hold: () => later.behind() ?? recorder?.behind(),
    onTarget: createNotes(address),
    log: { error: (first: string | object, text?: string) => say(text ?? String(first)) },
  });

  let bound: string;
  try {
    bound = await proxy.open();
  } catch (error) {
    throw new CommandFailure(1, error);
  }
  try {
    if (flags.record !== undefined) {
      recorder = await openRecorder(flags.record, headerOf(to, address, zep), (error) => {
        failure = error;
        say(`${flags.record} can't be written, so the recording ends here; the traffic goes on: ${error.message}`);
      });
    }
    proxy.run();
    say(`listening on ${bound}, passing on to ${address}`);
    if (!isLoopback(parseAddress(bound, "bind"))) say(`${bound} is open to whoever reaches this machine`);
    const why = await ending;
    await proxy.stop(() => exchanges.waiting() === 0);
    exchanges.giveUpAll().forEach(unanswered);
    later.empty();
    if (why === "EPIPE") process.exitCode = process.exitCode ?? 128 + 13;
  } catch (error) {
    await proxy.stop(() => true);
    throw error;
  } finally {
    await recorder?.end();
  }
  await lines.flush(LAST_LINES_MS);
  say(summary(counts, latencies, proxy.dropped(), lines.lost()));
  if (failure !== undefined) process.exitCode = 1;
  // A reader that is there and does not read would keep the process; what libzmq has not sent has a moment still.
  setTimeout(() => process.exit(), LAST_MOMENT_MS).unref();
}

function summary(counts: Counts, latencies: Latencies, dropped: number, lost: number): string {
  const { requests, replies, strays, unanswered, bytes } = counts;
  const counted = (count: number, what: string) => numbered(count, `reply ${what}`, `replies ${what}`);
  const ms = (hundredths: number) => `p${hundredths} ${rounded(latencies.percentile(hundredths) ?? 0)} ms`;
  return [
    `${numbered(requests, "request")}, ${numbered(replies, "reply", "replies")}, ${unanswered} unanswered, ${bytes} bytes`,
    ...(replies > strays ? [`latency ${ms(50)}, ${ms(99)}`] : []),
    ...(strays > 0 ? [counted(strays, "without a request")] : []),
    ...(dropped > 0 ? [counted(dropped, "that no client took")] : []),
    ...(lost > 0 ? [`${numbered(lost, "line")} not shown, since nobody read them`] : []),
  ].join(", ");
}

async function findTarget(
  target: string,
  { config, codec, proto, type, responseType }: TapFlags,
): Promise<Destination> {
  const flags = Object.fromEntries(
    Object.entries({ config, codec, proto, type, responseType }).filter(([, value]) => value !== undefined),
  );
  if (/^[a-z]+:\/\//i.test(target)) return findDestination(target, flags);
  return findDestination(undefined, { ...flags, endpoint: target, anyHandler: true });
}

function checkPlaces(listen: string, target: string): void {
  try {
    const place = parseAddress(listen, "bind");
    if (listen === target || (overlap(place, parseAddress(target, "connect")) && reachable(listen) === target)) {
      throw new Error(`${target} is LISTEN and TARGET at once; it would pass on to itself`);
    }
  } catch (error) {
    throw usageError(textOf(error));
  }
}

function headerOf({ codec, spec }: Destination, target: string, zep: boolean): Header {
  return {
    target,
    codec: codec.name,
    ...(spec !== undefined && spec !== codec.name && { spec }),
    zep,
    startedAt: new Date().toISOString(),
  };
}

async function openRecorder(file: string, header: Header, onFailed: (error: Error) => void): Promise<Recorder> {
  try {
    return await createRecorder(file, header, onFailed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere([file]);
    throw usageError(`can't record to ${file}: ${textOf(error)}`);
  }
}

function say(text: string): void {
  process.stderr.write(`zmqecho: ${text}\n`);
}

/** Says once that nobody is there, and once that somebody is. */
function createNotes(address: string): (isThere: boolean) => void {
  let said: boolean | undefined;
  return (isThere) => {
    if (said === isThere || (isThere && said === undefined)) {
      said = isThere;
      return;
    }
    said = isThere;
    say(isThere ? `${address} is there` : `nobody is at ${address}; requests wait for it`);
  };
}

function catchSignals(end: (why: string) => void): void {
  let asked = false;
  for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15 })) {
    process.on(signal, () => {
      if (asked) process.exit(128 + number);
      asked = true;
      end(signal);
    });
  }
}
