/** `zmqecho send`: a request to any REP or ROUTER server, and what came back. */
import { type Client, createClientWith } from "../client/client.ts";
import { decodeReply } from "../client/reply.ts";
import type { Body } from "../codecs/codec.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { textOf, ZmqEchoError } from "../errors.ts";
import type { Metadata, Value } from "../handler.ts";
import { printable } from "../printable.ts";
import { checkMetadata } from "../wire/zep.ts";
import { encodeBody, isFed, valueFromBody } from "./body.ts";
import { type Destination, type DestinationFlags, findDestination } from "./destination.ts";
import { CommandFailure, describeFailure, usageError } from "./failure.ts";
import { hexDump, jsonText, rawBodyText, rawValue } from "./show.ts";

export interface SendFlags extends DestinationFlags {
  readonly data?: string;
  readonly metadata?: readonly string[];
  readonly output: "pretty" | "value" | "raw" | "hex" | "json";
  readonly timeout?: number;
  readonly retries?: number;
  readonly wait?: boolean;
  readonly count?: number;
  readonly interval?: number;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

export const DEFAULT_BODY = "Hello world!";

/** What was probably meant as an address, without its scheme. */
const LIKE_AN_ADDRESS = /^([\w-]+(\.[\w-]+)+|localhost):\d{1,5}$/;

/** What is sent, and how it is shown. */
interface Outgoing {
  readonly body: Body;
  readonly metadata: Metadata;
  readonly text: string;
}

/**
 * Sends BODY and prints the reply.
 * Throws what went wrong: a usage error (2) before anything is sent, then the call's own error (64 + its number).
 */
export async function send(words: readonly (string | undefined)[], flags: SendFlags): Promise<void> {
  const { address, body: given } = readWords(words, flags.data);
  const destination = await findDestination(address, flags);
  const metadata = readMetadata(flags.metadata ?? [], destination);
  const { codec, takesBytes } = destination;
  if (address === undefined && given !== undefined && LIKE_AN_ADDRESS.test(given)) {
    note(flags, `${given} is sent as the body; an address starts with tcp:// or ipc://`);
  }
  if (given === undefined && isFed()) note(flags, "standard input is not read; write - as BODY to send it");
  const value = given === undefined ? DEFAULT_BODY : await valueFromBody(given, codec, takesBytes);
  const body = encodeBody(codec, value);
  const outgoing = { body, metadata, text: takesBytes ? rawBodyText(body) : printable(jsonText(value as Value)) };
  if (destination.chosen !== undefined)
    note(flags, `to endpoint ${destination.chosen}, ${destination.addresses.join(", ")}`);

  const client = createClientWith(codec, {
    connect: destination.addresses,
    timeoutMs: flags.timeout ?? destination.timeoutMs ?? DEFAULTS.clientTimeoutMs,
    retries: flags.retries ?? destination.retries ?? DEFAULTS.retries,
    wait: flags.wait ?? false,
    ...(flags.verbose && { onFrames: showFrames }),
  });
  try {
    for (let left = flags.count ?? 1; left > 0; left--) {
      await sendOnce(client, destination, outgoing, flags);
      if (left > 1 && flags.interval) await new Promise((resolve) => setTimeout(resolve, flags.interval));
    }
  } finally {
    await client.close();
  }
}

async function sendOnce(client: Client, to: Destination, outgoing: Outgoing, flags: SendFlags): Promise<void> {
  const { handler, addresses } = to;
  const from = performance.now();
  const timing = (): object => ({
    latencyMs: Number((performance.now() - from).toFixed(3)),
    address: addresses.join(", "),
  });
  try {
    if (flags.output === "pretty") print(flags, `-> ${outgoing.text}\n`);
    const reply = await client.exchange(outgoing.body, {
      metadata: outgoing.metadata,
      ...(handler !== undefined && { handler }),
    });
    const took = timing();
    for (const chunk of render(to, reply, flags.output, took)) print(flags, chunk);
  } catch (error) {
    if (flags.output !== "json" || !ZmqEchoError.is(error)) throw error;
    const { code, message, details } = error;
    print(flags, `${JSON.stringify({ ok: false, code, message, details, ...timing() })}\n`);
    throw new CommandFailure(describeFailure(error).exitCode);
  }
}

/** What a reply looks like on stdout, piece by piece. Throws `internal` if its codec can't decode it. */
function render(
  { codec, takesBytes }: Destination,
  reply: Body,
  form: SendFlags["output"],
  timing: object,
): (string | Uint8Array)[] {
  if (form === "raw") return [...reply];
  if (form === "hex") return [`${reply.map(hexDump).join("\n\n")}\n`];
  if (form === "pretty")
    return [`<- ${takesBytes ? rawBodyText(reply) : printable(jsonText(decodeReply(codec, reply)))}\n`];
  const { text, encoding } = takesBytes ? rawValue(reply) : { text: jsonText(decodeReply(codec, reply)) };
  if (form === "value") return [`${takesBytes && reply.length === 1 ? JSON.parse(text) : text}\n`];
  const facts = JSON.stringify({ ...(encoding !== undefined && { encoding }), ...timing });
  return [`{"ok":true,"code":"ok","value":${text},${facts.slice(1)}\n`];
}

/** ADDRESS and BODY, of which either may be absent; `data` is `--data`. */
export function readWords(
  [first, second]: readonly (string | undefined)[],
  data: string | undefined,
): { address?: string; body?: string } {
  const isAddress = first !== undefined && /^[a-z]+:\/\//i.test(first);
  const [address, body] = isAddress ? [first, second] : [undefined, first];
  if (!isAddress && second !== undefined) {
    throw usageError(
      `${JSON.stringify(first)} is no address (one starts with tcp:// or ipc://), and there is one BODY at most`,
    );
  }
  if (body !== undefined && data !== undefined) throw usageError("BODY and --data exclude each other");
  const given = body ?? data;
  return { ...(address !== undefined && { address }), ...(given !== undefined && { body: given }) };
}

/** `--metadata`, checked. Throws a usage error. */
export function readMetadata(pairs: readonly string[], { handler }: Destination): Metadata {
  if (pairs.length > 0 && handler === undefined) {
    throw usageError("--metadata goes with a call by name; a plain endpoint takes nothing beside the body");
  }
  const metadata: Record<string, string> = Object.create(null);
  for (const pair of pairs) {
    const end = pair.indexOf("=");
    if (end < 1) throw usageError(`--metadata takes NAME=VALUE, not ${JSON.stringify(pair)}`);
    metadata[pair.slice(0, end)] = pair.slice(end + 1);
  }
  try {
    checkMetadata(metadata);
  } catch (error) {
    throw usageError(textOf(error));
  }
  return metadata;
}

function showFrames(direction: "sent" | "received", frames: Body): void {
  const arrow = direction === "sent" ? ">" : "<";
  for (const [index, frame] of frames.entries()) {
    process.stderr.write(
      `${arrow} [${index + 1}/${frames.length}] ${frame.length} bytes\n${hexDump(frame)}${frame.length > 0 ? "\n" : ""}`,
    );
  }
}

function print({ quiet }: SendFlags, chunk: string | Uint8Array): void {
  if (!quiet) process.stdout.write(chunk);
}

function note({ quiet }: SendFlags, text: string): void {
  if (!quiet) process.stderr.write(`zmqecho: ${text}\n`);
}
