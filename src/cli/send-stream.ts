/** `send --stream`: a request for each line of standard input, the replies in the order of the lines. */
import type { Body } from "../codecs/codec.ts";
import { ConfigError, textOf } from "../errors.ts";
import { valueFromBytes } from "./body.ts";
import { type Outgoing, outcomeOf, outgoingFrom, type Partner, printOutcome, printOutgoing } from "./exchange.ts";
import { CommandFailure, describeFailure, usageError } from "./failure.ts";
import { linesOf } from "./input-lines.ts";
import type { SendFlags } from "./send-flags.ts";

/**
 * Goes on after a call that failed, unless told to fail fast, and throws at the end with the exit code of the first one. A line that
 * can't be sent is the end: a usage error that names it, once what was sent before it has been answered.
 */
export async function sendStream(
  ask: (body: Body) => Promise<Body>,
  partner: Partner,
  flags: SendFlags,
): Promise<void> {
  const { inFlight = 1, failFast = false } = flags;
  let exitCode: number | undefined;
  const isOver = () => failFast && exitCode !== undefined;

  async function show(outgoing: Outgoing, call: ReturnType<typeof outcomeOf>, number: number): Promise<void> {
    printOutgoing(outgoing, flags);
    const failure = printOutcome(await call, partner, flags);
    if (failure === undefined) return;
    const described = describeFailure(failure);
    exitCode ??= described.exitCode;
    // Who waits for the next line need not wait for it.
    if (failFast) process.stdin.destroy();
    for (const line of described.lines) process.stderr.write(`zmqecho: line ${number}: ${line}\n`);
  }

  // Replies that came early count as well: one that is slow must not have the others pile up.
  const unshown: Promise<void>[] = [];
  let last = Promise.resolve();
  let number = 0;
  try {
    for await (const line of linesOf(standardInput(isOver))) {
      if (isOver()) break;
      number++;
      if (line.length === 0) continue;
      const outgoing = outgoingFromLine(line, number, partner);
      const call = outcomeOf(() => ask(outgoing.body));
      const before = last;
      const at = number;
      last = before.then(() => show(outgoing, call, at));
      unshown.push(last);
      if (unshown.length >= inFlight) await unshown.shift();
    }
  } finally {
    await last;
  }
  if (exitCode !== undefined) throw new CommandFailure(exitCode);
}

function outgoingFromLine(line: Uint8Array, number: number, partner: Partner): Outgoing {
  try {
    return outgoingFrom(valueFromBytes(line, partner.codec, partner.takesBytes, "it"), partner);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw usageError(`line ${number} of standard input: ${error.problems.map(({ message }) => message).join("; ")}`);
  }
}

async function* standardInput(isOver: () => boolean): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* process.stdin;
  } catch (error) {
    if (isOver()) return;
    throw usageError(`can't read standard input: ${textOf(error)}`);
  }
}
