/** Requests as they are sent: what they ask for, in which codec, and how that is known when they are answered. */
import type { Codec } from "../../src/codecs/codec.ts";
import { ACTS, type ActName, actsFor, type Errand, endsOf, errandFor, weightsOf } from "./acts.ts";
import type { Asked, Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { Endpoint, Slot } from "./served.ts";
import { CODECS, createClientCodecs, type Site, timeoutOf } from "./site.ts";

/** A request and its frames, without the envelope. */
export interface Message {
  readonly request: Asked;
  readonly frames: readonly (string | Uint8Array)[];
}

export interface Wish {
  readonly endpoint: Endpoint;
  readonly peer: string;
  readonly slot: Slot;
  readonly codec: string;
  readonly errand: Errand;
  /** Asked for by the caller, where the protocol lets it. */
  readonly timeoutMs?: number;
  /** Characters that the request has and nobody reads. */
  readonly ballast?: number;
}

export interface Composer {
  compose(wish: Wish): Message;
  /** Any request that an endpoint can be sent. */
  any(endpoint: Endpoint, peer: string, random: Random): Message;
}

export async function createComposer(site: Site, ledger: Ledger): Promise<Composer> {
  const codecs = await createClientCodecs(site);

  function compose(wish: Wish): Message {
    const { endpoint, peer, slot, errand, ballast = 0 } = wish;
    const n = ledger.number();
    const codec = codecs.get(wish.codec);
    if (codec === undefined) throw new Error(`there is no codec ${wish.codec} here`);
    const isZep = endpoint.plain === undefined;
    const requestId = `chaos-${n}`;
    const own = timeoutOf(slot.isolation);
    const timeoutMs = isZep && wish.timeoutMs !== undefined ? Math.min(own, wish.timeoutMs) : own;
    const body = bodyFrom(codec, n, errand, ballast);
    const metadata = { "request-id": requestId, ...(timeoutMs < own && { "timeout-ms": String(timeoutMs) }) };
    const request: Asked = {
      n,
      endpoint,
      peer,
      sentAt: performance.now(),
      what: `${errand.act} at ${slot.name} in ${codec.name}`,
      ends: endsOf(errand),
      call: {
        slot,
        errand,
        codec,
        floors: codec.name === "order" ? { ...slot.floors, k: site.schema } : slot.floors,
        timeoutMs,
      },
      ...(isZep && { requestId }),
    };
    return {
      request,
      frames: isZep ? ["ZEP1 call", slot.name, codec.name, JSON.stringify(metadata), ...body] : body,
    };
  }

  function any(endpoint: Endpoint, peer: string, random: Random): Message {
    const slot = endpoint.plain?.slot ?? random.pick(site.slots);
    // What cannot be answered at once there keeps all that wait behind it waiting.
    const acts = actsFor(slot.isolation, slot.isStray);
    const act = random.weighted<ActName>(weightsOf(acts));
    const timeoutMs = timeoutFor(act, slot, random);
    return compose({
      endpoint,
      peer,
      slot,
      codec: endpoint.plain?.codec ?? random.pick(CODECS),
      errand: errandFor(act, random),
      ballast: random.chance(0.05) ? random.between(1000, 100_000) : 0,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  }

  return { compose, any };
}

/** Who is known to go on to the deadline gets a short one; of the others some are in a hurry. */
function timeoutFor(act: ActName, slot: Slot, random: Random): number | undefined {
  const most = timeoutOf(slot.isolation);
  if (ACTS[act].toTheDeadline) return random.between(20, most / 5);
  return random.chance(0.1) ? random.between(1, most) : undefined;
}

function bodyFrom(codec: Codec, n: number, { act, ms, size, code }: Errand, ballast: number): readonly Uint8Array[] {
  const pad = "b".repeat(ballast);
  const ask = { n, act, ms, size, code };
  if (codec.name === "raw") {
    const head = Buffer.from(JSON.stringify(ask));
    return ballast === 0 ? [head] : [head, Buffer.from(pad)];
  }
  const padded = ballast === 0 ? ask : { ...ask, pad };
  // The field by which the handler sees which edition of the schema it was decoded by.
  return codec.encodeBody(codec.name === "order" ? { ...padded, k1: "k" } : padded);
}
