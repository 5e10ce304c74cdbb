/** `send --socket dealer`: a message of frames as they are, over a socket that adds none. */
import { createBareDealer } from "../client/bare-dealer.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { findDestination } from "./destination.ts";
import { note, partnerAt, repeat, showFrames } from "./exchange.ts";
import { frameLines, readFrame, readIdentity } from "./frames.ts";
import type { SendFlags } from "./send-flags.ts";

/** Throws what went wrong, as `send` does. */
export async function sendFrames(address: string | undefined, flags: SendFlags): Promise<void> {
  const destination = await findDestination(address, { ...flags, codec: "raw" });
  const identity = flags.identity === undefined ? {} : { identity: readIdentity(flags.identity) };
  const body = await Promise.all((flags.frame ?? []).map(readFrame));
  if (destination.chosen !== undefined)
    note(flags, `to endpoint ${destination.chosen}, ${destination.addresses.join(", ")}`);
  const dealer = createBareDealer({
    connect: destination.addresses,
    timeoutMs: flags.timeout ?? destination.timeoutMs ?? DEFAULTS.clientTimeoutMs,
    wait: flags.wait ?? false,
    ...identity,
    ...(flags.verbose && { onFrames: showFrames }),
  });
  const partner = { ...partnerAt(destination), prettyReply: (frames: typeof body) => frameLines("<-", frames) };
  try {
    await repeat({ body, pretty: frameLines("->", body) }, dealer.exchange, partner, flags);
  } finally {
    dealer.close();
  }
}
