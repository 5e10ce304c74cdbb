/** The crowd at the host's endpoints: who they are, how many at once, and when they pause. */
import { setTimeout as delay } from "node:timers/promises";
import type { Ledger } from "./ledger.ts";
import { createDealer, createRequester, type Gate, type Peer, type PeerPlan } from "./peers.ts";
import type { Random } from "./random.ts";
import type { Composer } from "./requests.ts";
import { leaveEarly, nonsense, sendNoRequest, writeBytes } from "./rudeness.ts";
import type { Site } from "./site.ts";

export interface Load {
  go(): void;
  /** Sends nothing more, and resolves when all that was sent has been settled. */
  rest(): Promise<void>;
  /** Sends nothing more, at once. */
  shut(): void;
  close(): void;
}

/**
 * Those who ask, by endpoint: as DEALERs with so many requests under way each, as such that send up to so many of them in one
 * message, or as REQs.
 */
const CROWD: Readonly<Record<string, Crowd>> = {
  all: { dealers: [20, 10, 10], batchers: [12, 8], requesters: 3 },
  turns: { dealers: [3], batchers: [3], requesters: 1 },
  raw: { dealers: [12], requesters: 1 },
  json: { dealers: [12], requesters: 1 },
  cbor: { dealers: [12], requesters: 1 },
  msgpack: { dealers: [3], requesters: 1 },
  protobuf: { dealers: [3], requesters: 1 },
  order: { dealers: [12], requesters: 1 },
  walled: { dealers: [8], requesters: 1 },
  step: { dealers: [4], requesters: 1 },
  // A REQ whose request is lost in a move could never ask again.
  mover: { dealers: [8], requesters: 0 },
};

interface Crowd {
  readonly dealers: readonly number[];
  readonly batchers?: readonly number[];
  readonly requesters: number;
}

export const MOST_IN_FLIGHT = 200;

/** Milliseconds that a peer waits between two requests, unless it is in haste, and strangers between two of their visits. */
const PAUSE_MS = [0, 80] as const;
const IN_HASTE = 0.4;
const VISIT_MS = [50, 250] as const;
const SWEEP_MS = 250;

export interface LoadOptions {
  readonly site: Site;
  readonly ledger: Ledger;
  readonly composer: Composer;
  readonly random: Random;
  readonly addressesOf: (endpoint: string) => readonly string[];
}

export function createLoad({ site, ledger, composer, random, addressesOf }: LoadOptions): Load {
  const gate = createGate(ledger);
  const peers = [...askers(), garbler()];
  const sweeping = setInterval(ledger.sweep, SWEEP_MS);
  let isOver = false;
  const running = [...peers.map((peer) => peer.run()), visit()];
  for (const one of running) one.catch((error: unknown) => ledger.fault(`the load failed: ${String(error)}`));

  function askers(): Peer[] {
    return Object.entries(CROWD).flatMap(([name, { dealers, batchers = [], requesters }]) => [
      ...dealers.map((most, index) =>
        createDealer(planFor(name, `DEALER ${index} of ${name}`, most, index), ledger, gate),
      ),
      ...batchers.map((most, index) => createDealer(batchPlan(name, most, index), ledger, gate)),
      ...Array.from({ length: requesters }, (_, index) =>
        createRequester(planFor(name, `REQ ${index} of ${name}`, 1, index), ledger, gate),
      ),
    ]);
  }

  /** Where there are several addresses, each peer has one. */
  function planFor(endpointName: string, name: string, most: number, index: number): PeerPlan {
    const own = random.fork(name);
    const endpoint = site.endpoint(endpointName);
    const all = addressesOf(endpointName);
    const address = all[index % all.length];
    if (address === undefined) throw new Error(`endpoint ${endpointName} has no address`);
    return {
      name,
      addresses: [address],
      most,
      next: () => composer.any(endpoint, name, own),
      pauseMs: () => (own.chance(IN_HASTE) ? 0 : own.between(...PAUSE_MS)),
    };
  }

  function batchPlan(endpoint: string, most: number, index: number): PeerPlan {
    const name = `DEALER ${index} with batches of ${endpoint}`;
    const own = random.fork(`${name}, how many`);
    return { ...planFor(endpoint, name, most, index), together: () => own.between(1, most) };
  }

  function garbler(): Peer {
    const name = "DEALER with nonsense";
    const own = random.fork(name);
    const plan = planFor("all", name, 3, 0);
    return createDealer({ ...plan, next: () => nonsense(site.endpoint("all"), name, ledger, own) }, ledger, gate);
  }

  /** Strangers come and go. */
  async function visit(): Promise<void> {
    const own = random.fork("visitors");
    const [address = ""] = addressesOf("all");
    while ((await gate.enter("visitors", 1)) && !isOver) {
      const count = own.between(1, 4);
      const messages = Array.from({ length: count }, () => composer.any(site.endpoint("all"), "a leaver", own));
      await own.pick([
        () => leaveEarly(address, messages, own),
        () => sendNoRequest(address, own),
        () => writeBytes(address, own),
      ])();
      await delay(own.between(...VISIT_MS));
    }
  }

  return {
    go: gate.open,
    shut: gate.shut,
    async rest() {
      gate.shut();
      while (ledger.inFlight() > 0) await delay(20);
    },
    close() {
      isOver = true;
      clearInterval(sweeping);
      gate.end();
      for (const peer of peers) peer.close();
    },
  };
}

interface Barrier extends Gate {
  open(): void;
  shut(): void;
  end(): void;
}

function createGate(ledger: Ledger): Barrier {
  let isOpen = false;
  let isOver = false;
  let wake = (): void => {};
  let woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  /** Let through, and not yet written down. */
  let passing = 0;

  function wakeAll(): void {
    const before = wake;
    woken = new Promise((resolve) => {
      wake = resolve;
    });
    before();
  }
  ledger.onSettled = wakeAll;

  return {
    async enter(peer, most) {
      while (!isOver && !(isOpen && ledger.inFlight(peer) < most && ledger.inFlight() + passing < MOST_IN_FLIGHT)) {
        await woken;
      }
      passing++;
      queueMicrotask(() => queueMicrotask(() => passing--));
      return !isOver;
    },
    open() {
      isOpen = true;
      wakeAll();
    },
    shut() {
      isOpen = false;
    },
    end() {
      isOver = true;
      wakeAll();
    },
  };
}
