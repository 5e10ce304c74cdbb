/** One request and what came of it, as `send` prints them. */
import { setTimeout as delay } from "node:timers/promises";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import type { Value } from "../handler.ts";
import { printable } from "../printable.ts";
import { hexDump, jsonText, rawBodyText, rawValue } from "../show.ts";
import { decodeReply } from "../wire/reply.ts";
import { encodeBody } from "./body.ts";
import type { Destination } from "./destination.ts";
import { CommandFailure, describeFailure } from "./failure.ts";
import type { PrintFlags, SendFlags } from "./send-flags.ts";

/** Who is asked, and how what is said is put for people. */
export interface Partner extends Pick<Destination, "addresses" | "codec" | "takesBytes"> {
  /** The lines of a reply in pretty output, without an end. Throws `internal` if it can't be decoded. */
  prettyReply(reply: Body): string;
}

/** What is sent, and its lines in pretty output. */
export interface Outgoing {
  readonly body: Body;
  readonly pretty: string;
}

/** What came of a request; `error` is what the call threw. */
export type Outcome = ({ readonly reply: Body } | { readonly error: unknown }) & { readonly latencyMs: number };

/** A partner that is asked for values, or for raw bodies. */
export function partnerAt(destination: Destination): Partner {
  const { addresses, codec, takesBytes } = destination;
  const text = (reply: Body) => (takesBytes ? rawBodyText(reply) : printable(jsonText(decodeReply(codec, reply))));
  return { addresses, codec, takesBytes, prettyReply: (reply) => `<- ${text(reply)}` };
}

/** Throws a usage error for a value that the codec can't carry. */
export function outgoingFrom(value: unknown, { codec, takesBytes }: Partner): Outgoing {
  const body = encodeBody(codec, value);
  return { body, pretty: `-> ${takesBytes ? rawBodyText(body) : printable(jsonText(value as Value))}` };
}

/** Waits for the end of a call, whatever it is. Never rejects. */
export async function outcomeOf(call: () => Promise<Body>): Promise<Outcome> {
  const from = performance.now();
  const latencyMs = () => Number((performance.now() - from).toFixed(3));
  try {
    const reply = await call();
    return { reply, latencyMs: latencyMs() };
  } catch (error) {
    return { error, latencyMs: latencyMs() };
  }
}

/** Prints the request, where the form of output shows it. */
export function printOutgoing({ pretty }: Outgoing, flags: PrintFlags): void {
  if (flags.output === "pretty") print(flags, `${pretty}\n`);
}

/** Prints what came of a request. Of a failed call it returns what is left to be told; a bug it throws. */
export function printOutcome(outcome: Outcome, partner: Partner, flags: PrintFlags): Error | undefined {
  const facts = { latencyMs: outcome.latencyMs, address: partner.addresses.join(", ") };
  try {
    if ("error" in outcome) throw outcome.error;
    for (const chunk of render(partner, outcome.reply, flags.output, facts)) print(flags, chunk);
    return undefined;
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    if (flags.output !== "json") return error;
    const { code, message, details } = error;
    print(flags, `${JSON.stringify({ ok: false, code, message, details, ...facts })}\n`);
    return new CommandFailure(describeFailure(error).exitCode);
  }
}

/** `--count` times the same, with `--interval` after each reply. Throws the first failure, which is the end. */
export async function repeat(
  outgoing: Outgoing,
  ask: (body: Body) => Promise<Body>,
  partner: Partner,
  flags: SendFlags,
): Promise<void> {
  for (let left = flags.count ?? 1; left > 0; left--) {
    printOutgoing(outgoing, flags);
    const failure = printOutcome(await outcomeOf(() => ask(outgoing.body)), partner, flags);
    if (failure !== undefined) throw failure;
    if (left > 1 && flags.interval) await delay(flags.interval);
  }
}

/** What a reply looks like on stdout, piece by piece. Throws `internal` if its codec can't decode it. */
function render(
  { codec, takesBytes, prettyReply }: Partner,
  reply: Body,
  form: PrintFlags["output"],
  facts: object,
): (string | Uint8Array)[] {
  if (form === "raw") return [...reply];
  if (form === "hex") return [`${reply.map(hexDump).join("\n\n")}\n`];
  if (form === "pretty") return [`${prettyReply(reply)}\n`];
  const { text, encoding } = takesBytes ? rawValue(reply) : { text: jsonText(decodeReply(codec, reply)) };
  if (form === "value") return [`${takesBytes && reply.length === 1 ? JSON.parse(text) : text}\n`];
  const rest = JSON.stringify({ ...(encoding !== undefined && { encoding }), ...facts });
  return [`{"ok":true,"code":"ok","value":${text},${rest.slice(1)}\n`];
}

/** Shows each message on stderr as it leaves and arrives. */
export function showFrames(direction: "sent" | "received", frames: Body): void {
  const arrow = direction === "sent" ? ">" : "<";
  for (const [index, frame] of frames.entries()) {
    process.stderr.write(
      `${arrow} [${index + 1}/${frames.length}] ${frame.length} bytes\n${hexDump(frame)}${frame.length > 0 ? "\n" : ""}`,
    );
  }
}

function print({ quiet }: PrintFlags, chunk: string | Uint8Array): void {
  if (!quiet) process.stdout.write(chunk);
}

export function note({ quiet }: PrintFlags, text: string): void {
  if (!quiet) process.stderr.write(`zmqecho: ${text}\n`);
}
