/** Clients as bare sockets: each sends what it is given, as fast as it may, and hands in whatever comes back. */
import { setTimeout as delay } from "node:timers/promises";
import { Dealer, Request } from "zeromq";
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

export function createDealer({ name, addresses, next, most, pauseMs }: PeerPlan, ledger: Ledger, gate: Gate): Peer {
  const socket = new Dealer({ linger: 0, sendTimeout: SEND_TIMEOUT_MS });
  for (const address of addresses) socket.connect(address);
  void receive();
  let sending: Promise<unknown> = Promise.resolve();

  async function receive(): Promise<void> {
    for await (const [id = Buffer.alloc(0), empty, ...frames] of socket) {
      if (empty === undefined || empty.length > 0) ledger.fault(`${name} got a reply without its envelope: ${id}`);
      else ledger.replied(name, id.toString(), frames);
    }
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
        await send(next());
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
