/** `zmqecho send`: a request to any REP or ROUTER server, and what came back. */
import { createClientWith } from "../client/client.ts";
import type { Body } from "../codecs/codec.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { textOf } from "../errors.ts";
import type { Metadata } from "../handler.ts";
import { checkMetadata } from "../wire/json-frames.ts";
import { isFed, valueFromBody } from "./body.ts";
import { type Destination, findDestination } from "./destination.ts";
import { note, type Outgoing, outgoingFrom, type Partner, partnerAt, repeat, showFrames } from "./exchange.ts";
import { usageError } from "./failure.ts";
import { readFrame } from "./frames.ts";
import { checkTogether, type SendFlags } from "./send-flags.ts";

export const DEFAULT_BODY = "Hello world!";

/** What was probably meant as an address, without its scheme. */
const LIKE_AN_ADDRESS = /^([\w-]+(\.[\w-]+)+|localhost):\d{1,5}$/;

/**
 * Sends BODY, or what stands in its place, and prints what comes back.
 * Throws what went wrong: a usage error (2) before anything is sent, then the call's own error (64 + its number).
 */
export async function send(words: readonly (string | undefined)[], flags: SendFlags): Promise<void> {
  const { address, body: given } = readWords(words, flags.data);
  checkTogether(flags, given);
  if (flags.socket === "dealer") {
    const { sendFrames } = await import("./send-frames.ts");
    return sendFrames(address, flags);
  }
  const destination = await findDestination(address, flags.frame === undefined ? flags : { ...flags, codec: "raw" });
  const metadata = readMetadata(flags.metadata ?? [], destination);
  const partner = partnerAt(destination);
  if (address === undefined && given !== undefined && LIKE_AN_ADDRESS.test(given)) {
    note(flags, `${given} is sent as the body; an address starts with tcp:// or ipc://`);
  }
  const outgoing = flags.stream ? undefined : await readOutgoing(given, partner, flags);
  if (destination.chosen !== undefined)
    note(flags, `to endpoint ${destination.chosen}, ${destination.addresses.join(", ")}`);

  const client = createClientWith(destination.codec, {
    connect: destination.addresses,
    timeoutMs: flags.timeout ?? destination.timeoutMs ?? DEFAULTS.clientTimeoutMs,
    retries: flags.retries ?? destination.retries ?? DEFAULTS.retries,
    wait: flags.wait ?? false,
    curve: destination.curve,
    ...(flags.verbose && { onFrames: showFrames }),
  });
  const { handler } = destination;
  const ask = (body: Body) => client.exchange(body, { metadata, ...(handler !== undefined && { handler }) });
  try {
    if (outgoing !== undefined) await repeat(outgoing, ask, partner, flags);
    else await (await import("./send-stream.ts")).sendStream(ask, partner, flags);
  } finally {
    await client.close();
  }
}

async function readOutgoing(given: string | undefined, partner: Partner, flags: SendFlags): Promise<Outgoing> {
  if (flags.frame !== undefined) return outgoingFrom(await Promise.all(flags.frame.map(readFrame)), partner);
  if (given === undefined && isFed()) note(flags, "standard input is not read; write - as BODY to send it");
  const { codec, takesBytes } = partner;
  return outgoingFrom(given === undefined ? DEFAULT_BODY : await valueFromBody(given, codec, takesBytes), partner);
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
