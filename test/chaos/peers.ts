/** Clients as bare sockets: each sends what it is given, as fast as it may, and hands in whatever comes back. */
import { setTimeout as delay } from "node:timers/promises";
import { Dealer, Request } from "zeromq";
import { BATCH_LIMITS, isLarge, packBatch, packedSize, unpackBatch } from "../../src/wire/batch.ts";
import { packedIn, writeRequest } from "../../src/wire/zep.ts";
import type { Asked, Ledger } from "./ledger.ts";
import type { Message } from "./requests.ts";

export interface PeerPlan {
  readonly name: string;
  readonly addresses: readonly string[];
  /** The next request. */
  readonly next: () => Message;
  /** How many requests it may have under way. */
  readonly most: number;
  /** Milliseconds between two requests, at most. */
  readonly pauseMs: () => number;
  /** How many requests to send together, as one message, at an endpoint that takes batches. */
  readonly together?: () => number;
}

export interface Peer {
  readonly name: string;
  /** Sends until the gate is shut, and again when it is open. */
  run(): Promise<void>;
  /** Beside what it sends by itself. */
  send(message: Message): Promise<void>;
  close(): void;
}

/** Lets so many requests through at a time, or none. */
export interface Gate {
  /** Resolves when the peer may send; false when it is all over. */
  enter(peer: string, most: number): Promise<boolean>;
}

/** libzmq's own limit is as long as that of the load. */
const SEND_TIMEOUT_MS = 20_000;

export function createDealer(plan: PeerPlan, ledger: Ledger, gate: Gate): Peer {
  const { name, addresses, next, most, pauseMs, together = () => 1 } = plan;
  const socket = new Dealer({ linger: 0, sendTimeout: SEND_TIMEOUT_MS });
  for (const address of addresses) socket.connect(address);
  void receive();
  let sending: Promise<unknown> = Promise.resolve();

  async function receive(): Promise<void> {
    for await (const [id = Buffer.alloc(0), second, third, ...rest] of socket) {
      if (second?.length === 0) take(id.toString(), third === undefined ? [] : [third, ...rest]);
      else if (second?.length === 4 && third?.length === 0) ledger.replied(name, String(second.readUInt32BE()), rest);
      else ledger.fault(`${name} got a reply without its envelope: ${id}`);
    }
  }

  function take(id: string, frames: readonly Uint8Array[]): void {
    const packed = packedIn(frames);
    if (packed === undefined) ledger.replied(name, id, frames);
    else for (const item of unpackBatch(packed, BATCH_LIMITS)) ledger.replied(name, String(item.id), item.frames);
  }

  /** As many as fit into one message; what does not fit goes by itself. */
  async function sendTogether(messages: readonly Message[]): Promise<void> {
    const items = [];
    let bytes = 0;
    for (const message of messages) {
      const frames = message.frames.map((frame) => Buffer.from(frame));
      const size = packedSize(frames);
      if (isLarge(frames) || bytes + size > BATCH_LIMITS.maxBytes) {
        await send(message);
        continue;
      }
      bytes += size;
      items.push({ id: message.request.n, frames });
      ledger.asked(message.request);
    }
    if (items.length === 0) return;
    const batch = writeRequest({ verb: "batch", packed: packBatch(items, bytes) });
    const sent = sending.then(() => socket.send(["batch", "", ...(batch as Buffer[])]));
    sending = sent.catch((error: unknown) => ledger.fault(`${name} could not send a batch: ${String(error)}`));
    await sending;
  }

  /** A socket takes one message at a time. */
  function send({ request, frames }: Message): Promise<void> {
    ledger.asked(request);
    const sent = sending.then(() => socket.send([String(request.n), "", ...frames]));
    sending = sent.catch(() => {});
    return sent.catch((error: unknown) => notSent(request, error));
  }

  function notSent(request: Asked, error: unknown): void {
    ledger.withdrawn(request);
    if (!socket.closed) ledger.fault(`${name} could not send: ${String(error)}`);
  }

  return {
    name,
    send,
    async run() {
      while (await gate.enter(name, most)) {
        const messages = Array.from({ length: together() }, next);
        await (messages.length === 1 ? send(messages[0] as Message) : sendTogether(messages));
        await delay(pauseMs());
      }
    },
    close: () => socket.close(),
  };
}

export function createRequester({ name, addresses, next, pauseMs }: PeerPlan, ledger: Ledger, gate: Gate): Peer {
  const socket = new Request({ linger: 0, sendTimeout: SEND_TIMEOUT_MS });
  for (const address of addresses) socket.connect(address);

  async function send({ request, frames }: Message): Promise<void> {
    ledger.asked(request);
    await socket.send([...frames]);
    ledger.replied(name, String(request.n), await socket.receive());
  }

  return {
    name,
    send,
    async run() {
      while (await gate.enter(name, 1)) {
        await send(next()).catch((error: unknown) => {
          if (!socket.closed) ledger.fault(`${name} could not ask: ${String(error)}`);
        });
        await delay(pauseMs());
      }
    },
    close: () => socket.close(),
  };
}
