/** `zmqecho bench`: a load on any REP or ROUTER server, and how it bore it. */
import { access, constants, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Condition, judge, parseCondition } from "../bench/fail-if.ts";
import type { Figures } from "../bench/figures.ts";
import { type Run, startRun } from "../bench/run.ts";
import { renderText } from "../bench/text.ts";
import type { Body } from "../codecs/codec.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { ConfigError, textOf, ZmqEchoError } from "../errors.ts";
import { fileLimit } from "../files.ts";
import { encodeBody, isFed, valueFromBody } from "./body.ts";
import { readDataLines } from "./data-lines.ts";
import { type Destination, type DestinationFlags, findDestination } from "./destination.ts";
import { CommandFailure, usageError } from "./failure.ts";
import { ownVersion } from "./own-package.ts";
import { prepareProgress, type ShowProgress } from "./progress.ts";
import { DEFAULT_BODY, readMetadata, readWords } from "./send.ts";

export interface BenchFlags extends DestinationFlags {
  readonly data?: string;
  readonly dataLines?: string;
  readonly metadata?: readonly string[];
  readonly connections?: number;
  readonly inFlight?: number;
  readonly rate?: number;
  readonly duration?: number;
  readonly requests?: number;
  readonly warmup?: number;
  readonly timeout?: number;
  readonly check?: boolean;
  readonly batch: boolean;
  readonly failIf?: readonly string[];
  readonly output: "pretty" | "json";
  readonly report?: string;
  readonly quiet?: boolean;
}

const DURATION_MS = 10_000;
const WARMUP_MS = 1_000;
/** Of an open loop: enough that it is the server who decides how many run at once. */
const OPEN_IN_FLIGHT = 128;
/** A `--fail-if` holds. */
const CONDITION_FAILED = 3;
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs the load and prints its figures.
 * Throws a usage error (2) before anything is sent; then `unavailable` if nobody is there, the most frequent error if all
 * requests failed, and a CommandFailure for a condition that holds (3) or a signal (128 + its number).
 */
export async function bench(words: readonly (string | undefined)[], flags: BenchFlags): Promise<void> {
  const { address, body: given } = readWords(words, flags.data);
  const conditions = readConditions(flags.failIf ?? []);
  const destination = await findDestination(address, flags);
  const metadata = readMetadata(flags.metadata ?? [], destination);
  const bodies = await readBodies(given, destination, flags);
  if (flags.report !== undefined) await checkPlaceFor(flags.report);
  if (destination.chosen !== undefined)
    note(flags, `to endpoint ${destination.chosen}, ${destination.addresses.join(", ")}`);

  checkFiles(flags.connections ?? 1);
  const showProgress: ShowProgress = flags.quiet ? () => () => {} : await prepareProgress();
  const run = await startRun({
    addresses: destination.addresses,
    curve: destination.curve,
    handler: destination.handler,
    codec: destination.codec,
    metadata,
    bodies,
    connections: flags.connections ?? 1,
    inFlight: flags.inFlight ?? (flags.rate === undefined ? 1 : OPEN_IN_FLIGHT),
    rate: flags.rate,
    durationMs: flags.duration ?? (flags.requests === undefined ? DURATION_MS : undefined),
    requests: flags.requests,
    warmupMs: flags.warmup ?? (flags.requests === undefined ? WARMUP_MS : 0),
    timeoutMs: flags.timeout ?? destination.timeoutMs ?? DEFAULTS.clientTimeoutMs,
    check: flags.check ?? false,
    batch: flags.batch,
  });
  const { measured, signal } = await untilEnd(run, showProgress);
  const figures: Figures = {
    zmqecho: ownVersion(),
    ...measured,
    conditions: conditions.map((condition) => judge(condition, { zmqecho: ownVersion(), ...measured })),
  };
  await publish(figures, flags);
  conclude(figures, signal);
}

/** What a connection takes at least: libzmq wakes its sockets, and tells of them, through files too. */
const FILES_PER_CONNECTION = 4;

/** Throws `resource_exhausted` if there can't be so many. To find out by trying is too late: libzmq may then never end. */
function checkFiles(connections: number): void {
  const most = fileLimit();
  if (connections * FILES_PER_CONNECTION <= most) return;
  const text = `${connections} connections take more files than the ${most} that this process may open; ask for fewer, or raise ulimit -n`;
  throw new ZmqEchoError("resource_exhausted", text);
}

/** Waits for the figures; a first signal asks for those so far, a second one ends the process as signals do. */
async function untilEnd(run: Run, showProgress: ShowProgress) {
  let signal: keyof typeof SIGNALS | undefined;
  const interrupt = (name: NodeJS.Signals): void => {
    signal = name as keyof typeof SIGNALS;
    forget();
    run.interrupt();
  };
  const names = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
  const forget = (): void => names.forEach((name) => void process.off(name, interrupt));
  for (const name of names) process.on(name, interrupt);
  const hideProgress = showProgress(run);
  try {
    return { measured: await run.figures, signal };
  } finally {
    hideProgress();
    forget();
  }
}

async function publish(figures: Figures, { output, quiet, report }: BenchFlags): Promise<void> {
  if (!quiet) process.stdout.write(output === "json" ? `${JSON.stringify(figures)}\n` : renderText(figures));
  if (report === undefined) return;
  const { renderPage } = await import("../bench/html.ts");
  try {
    await writeFile(report, renderPage(figures));
  } catch (error) {
    throw usageError(`can't write ${report}: ${textOf(error)}`);
  }
}

/** Throws what the exit code is to tell; the first of these that is so. */
function conclude({ ok, failed, errors: [most], conditions }: Figures, signal: keyof typeof SIGNALS | undefined): void {
  const broken = conditions.filter((verdict) => verdict.failed);
  const lines = broken.map(({ condition, measured }) => ({ message: `--fail-if ${condition}: measured ${measured}` }));
  const cause = lines.length === 0 ? undefined : new ConfigError(lines);
  if (signal !== undefined) throw new CommandFailure(SIGNALS[signal], cause);
  if (ok === 0 && most !== undefined) {
    throw new ZmqEchoError(most.code, `none of ${failed} requests succeeded; the first of this kind: ${most.message}`);
  }
  if (cause !== undefined) throw new CommandFailure(CONDITION_FAILED, cause);
}

function readConditions(texts: readonly string[]): Condition[] {
  return texts.map((text) => {
    try {
      return parseCondition(text);
    } catch (error) {
      throw usageError(`--fail-if can't be ${JSON.stringify(text)}. ${textOf(error)}`);
    }
  });
}

async function readBodies(
  given: string | undefined,
  { codec, takesBytes }: Destination,
  flags: BenchFlags,
): Promise<readonly Body[]> {
  const { dataLines } = flags;
  if (dataLines !== undefined) {
    if (given !== undefined) throw usageError("BODY and --data-lines exclude each other");
    return readDataLines(dataLines, codec, takesBytes);
  }
  if (given === undefined && isFed()) note(flags, "standard input is not read; write - as BODY to send it");
  const value = given === undefined ? DEFAULT_BODY : await valueFromBody(given, codec, takesBytes);
  return [encodeBody(codec, value)];
}

/** Not to be found out after ten minutes. */
async function checkPlaceFor(report: string): Promise<void> {
  try {
    await access(dirname(report), constants.W_OK);
  } catch (error) {
    throw usageError(`can't write ${report}: ${textOf(error)}`);
  }
}

function note({ quiet }: BenchFlags, text: string): void {
  if (!quiet) process.stderr.write(`zmqecho: ${text}\n`);
}
