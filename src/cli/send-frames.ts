/** `send --socket dealer`: a message of frames as they are, over a socket that adds none. */
import { createBareDealer } from "../client/bare-dealer.ts";
import { createRawCodec } from "../codecs/raw.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { note, type Partner, repeat, showFrames } from "./exchange.ts";
import { frameLines, readFrame, readIdentity } from "./frames.ts";
import type { SendFlags } from "./send-flags.ts";
import { findServer } from "./server.ts";

/** Throws what went wrong, as `send` does. */
export async function sendFrames(address: string | undefined, flags: SendFlags): Promise<void> {
  const server = await findServer(address, flags);
  const identity = flags.identity === undefined ? {} : { identity: readIdentity(flags.identity) };
  const body = await Promise.all((flags.frame ?? []).map(readFrame));
  if (server.chosen !== undefined) note(flags, `to endpoint ${server.chosen}, ${server.addresses.join(", ")}`);
  const dealer = createBareDealer({
    connect: server.addresses,
    timeoutMs: flags.timeout ?? server.timeoutMs ?? DEFAULTS.clientTimeoutMs,
    wait: flags.wait ?? false,
    curve: server.curve,
    ...identity,
    ...(flags.verbose && { onFrames: showFrames }),
  });
  const partner: Partner = {
    addresses: server.addresses,
    codec: createRawCodec("raw", DEFAULTS.limits),
    takesBytes: true,
    prettyReply: (frames) => frameLines("<-", frames),
  };
  try {
    await repeat({ body, pretty: frameLines("->", body) }, dealer.exchange, partner, flags);
  } finally {
    dealer.close();
  }
}
