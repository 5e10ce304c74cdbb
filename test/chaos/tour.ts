/** Each act once, everywhere it may run: so that all of them are seen, and all that the host loads late is loaded. */
import { setTimeout as delay } from "node:timers/promises";
import { ACTS, actsFor, errandFor, wasSeen } from "./acts.ts";
import type { Ledger } from "./ledger.ts";
import { createDealer, type Peer } from "./peers.ts";
import type { Random } from "./random.ts";
import type { Composer } from "./requests.ts";
import { CODECS, type Site } from "./site.ts";

/** Short deadlines for what goes on to them, and time for all else. */
const SHORT_MS = 250;
const MOST_TRIES = 10;

export async function takeTour(
  site: Site,
  { ledger, composer, random, address }: { ledger: Ledger; composer: Composer; random: Random; address: string },
): Promise<void> {
  const endpoint = site.endpoint("all");
  const peers: Peer[] = [];
  await Promise.all(
    site.slots
      .filter(({ plugin }) => plugin !== "fresh")
      .map(async (slot, place) => {
        const name = `DEALER on tour ${place}`;
        const never = { next: () => composer.any(endpoint, name, random), pauseMs: () => 0, most: 0 };
        const peer = createDealer({ name, addresses: [address], ...never }, ledger, {
          enter: () => Promise.resolve(false),
        });
        peers.push(peer);
        const acts = actsFor(slot.isolation, slot.isStray).filter(
          (act) => (ACTS[act].isStray ?? false) === slot.isStray,
        );
        for (const [index, act] of acts.entries()) {
          // What one does later may end the next one's worker.
          const again = () => !wasSeen(act, slot.isolation, ledger.counts.ends);
          for (let tries = 0; tries === 0 || (tries < MOST_TRIES && again()); tries++) {
            const message = composer.compose({
              endpoint,
              peer: name,
              slot,
              codec: CODECS[(index + place) % CODECS.length] ?? "json",
              errand: errandFor(act, random),
              ...(ACTS[act].toTheDeadline && { timeoutMs: SHORT_MS }),
            });
            await peer.send(message);
            while (ledger.inFlight(name) > 0) await delay(5);
          }
        }
      }),
  );
  for (const peer of peers) peer.close();
}
