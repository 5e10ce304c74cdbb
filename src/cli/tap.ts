/** `zmqecho tap`: between clients and their server, showing and recording what passes. */
import { resolve } from "node:path";
import { DEFAULTS } from "../config/defaults.ts";
import { textOf } from "../errors.ts";
import { createReader } from "../recording/said.ts";
import type { Recorder } from "../recording/write.ts";
import { type Content, createExchanges, type Exchange } from "../tap/exchanges.ts";
import { createLatencies } from "../tap/latencies.ts";
import { createSplice } from "../tap/splice.ts";
import { createMessageWatch, createWatch, type WatchOptions } from "../tap/watch.ts";
import { type Address, isLoopback, overlap, parseAddress, reachable } from "../wire/address.ts";
import type { CodecFlags } from "./codec-flags.ts";
import { builtInCodecs } from "./codecs-by-name.ts";
import { type Destination, findDestination } from "./destination.ts";
import { CommandFailure, usageError } from "./failure.ts";
import type { KeyFlags } from "./keys.ts";
import { createLater, createLines } from "./lines.ts";
import type { ListenKeys } from "./tap-keys.ts";
import { createFailureNotes, createTargetNotes, createUnreadNotes, noCounts, summary } from "./tap-notes.ts";
import { entryOf, headerOf, openRecorder } from "./tap-record.ts";
import { createView } from "./tap-view.ts";

export interface TapFlags extends CodecFlags, KeyFlags {
  readonly config?: string;
  readonly listenCertificate?: string;
  readonly allow?: string;
  readonly zep?: boolean;
  readonly record?: string;
  readonly filter?: string;
  readonly maxMessageBytes?: number;
  readonly output: "pretty" | "json";
  readonly quiet?: boolean;
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
  const listenKeys = listenKeysOf(flags);
  const to = await findTarget(target, flags);
  const [address = target] = to.addresses;
  const place = placesOf(listen, address);
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
  const counts = noCounts();
  const count = ({ body, bytes }: Content): void => {
    counts.bytes += bytes;
    if (body === undefined) counts.large++;
  };
  const unread = createUnreadNotes(say);
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
    record: (exchange) => {
      const entry = entryOf(exchange, startedAt);
      if (entry !== undefined) recorder?.write(entry);
    },
  });
  // Nobody waits for a line, so what passes in a moment is read, shown and recorded together.
  const later = createLater(lines.flushLines);
  const unanswered = (exchange: Exchange): void => {
    counts.unanswered++;
    view.end(exchange);
  };
  const exchanges = createExchanges({ most: MOST_WAITING, mostBytes: MOST_WAITING_BYTES, onGivenUp: unanswered });

  const watching: WatchOptions = {
    exchanges,
    later: later.add,
    catchUp: later.empty,
    maxMessageBytes: flags.maxMessageBytes ?? DEFAULTS.limits.maxMessageBytes * 2,
    onRequest(exchange) {
      counts.requests++;
      count(exchange.request);
      view.request(exchange);
    },
    onReply({ content, exchange }) {
      counts.replies++;
      count(content);
      if (exchange === undefined) {
        counts.strays++;
        return;
      }
      latencies.add(exchange.latencyMs ?? 0);
      view.end(exchange);
    },
    onUnread(why) {
      counts.unread++;
      unread(why);
    },
  };
  const { curve } = to;
  const bridge =
    curve === undefined && listenKeys === undefined
      ? undefined
      : await (await import("./tap-keys.ts")).openTapBridge({
          address,
          curve,
          listen: listenKeys,
          watch: createMessageWatch(watching),
          say,
        });
  const splice = createSplice({
    listen: place.listen,
    target: place.target,
    through: bridge?.through,
    connectMs: DEFAULTS.limits.handshakeMs,
    watch: createWatch(watching),
    hold: () => later.behind() ?? recorder?.behind(),
    // A bridge knows its server itself.
    onTarget: bridge === undefined ? createTargetNotes(address, say) : () => undefined,
    onFailed: createFailureNotes(say),
  });

  let bound: string;
  try {
    bound = await splice.open();
  } catch (error) {
    await bridge?.close();
    throw new CommandFailure(1, error);
  }
  try {
    if (flags.record !== undefined) {
      recorder = await openRecorder(flags.record, headerOf(to, address, zep), (error) => {
        failure = error;
        say(`${flags.record} can't be written, so the recording ends here; the traffic goes on: ${error.message}`);
      });
    }
    splice.run();
    say(`listening on ${bound}, passing on to ${address}`);
    if (listenKeys === undefined && !isLoopback(parseAddress(bound, "bind"))) {
      const opened = curve === undefined ? "" : `, and so is ${address}, which asks them for no keys there`;
      say(`${bound} is open to whoever reaches this machine${opened}`);
    }
    const why = await ending;
    await splice.stop();
    later.empty();
    exchanges.giveUpAll().forEach(unanswered);
    lines.flushLines();
    if (why === "EPIPE") process.exitCode = process.exitCode ?? 128 + 13;
  } catch (error) {
    await splice.stop();
    throw error;
  } finally {
    await bridge?.close();
    await recorder?.end();
  }
  await lines.flush(LAST_LINES_MS);
  say(summary(counts, latencies, lines.lost()));
  if (failure !== undefined) process.exitCode = 1;
  // A reader that is there and does not read would keep the process.
  setTimeout(() => process.exit(), LAST_MOMENT_MS).unref();
}

async function findTarget(
  target: string,
  { config, codec, proto, type, responseType, serverKey, certificate }: TapFlags,
): Promise<Destination> {
  const flags = Object.fromEntries(
    Object.entries({ config, codec, proto, type, responseType, serverKey, certificate }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  if (/^[a-z]+:\/\//i.test(target)) return findDestination(target, flags);
  return findDestination(undefined, { ...flags, endpoint: target, anyHandler: true });
}

/** Whom we let in, and as whom: undefined if all are. */
function listenKeysOf({ listenCertificate, allow }: TapFlags): ListenKeys | undefined {
  if (listenCertificate === undefined && allow === undefined) return undefined;
  if (listenCertificate === undefined || allow === undefined)
    throw usageError(
      "--listen-certificate and --allow go together: by what clients know tap, and which clients it lets in",
    );
  return { certificate: resolve(listenCertificate), allow: resolve(allow) };
}

function placesOf(listen: string, target: string): { listen: Address; target: Address } {
  try {
    const from = parseAddress(listen, "bind");
    const to = parseAddress(target, "connect");
    if (listen === target || (overlap(from, to) && reachable(listen) === target)) {
      throw new Error(`${target} is LISTEN and TARGET at once; it would pass on to itself`);
    }
    for (const place of [from, to]) {
      // Node fills the name up with zeros, so libzmq's is another.
      if (place.transport === "ipc" && place.path.startsWith("@")) {
        throw new Error(`${place.text}: tap can't reach abstract names; use a path`);
      }
    }
    return { listen: from, target: to };
  } catch (error) {
    throw usageError(textOf(error));
  }
}

function say(text: string): void {
  process.stderr.write(`zmqecho: ${text}\n`);
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
