/**
 * One client of a soak, as a bare socket: asks at a rate, and checks that each reply is its own, comes once, and holds what was asked,
 * byte for byte. Leaves and comes again now and then, sometimes without waiting for its replies.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Dealer } from "zeromq";

export interface Question {
  /** As they are sent behind the envelope. */
  readonly frames: readonly Uint8Array[];
  /** What comes back. */
  readonly reply: readonly Uint8Array[];
}

export interface AskerOptions {
  readonly name: string;
  readonly address: string;
  readonly perSecond: number;
  question(number: number): Question;
  /** What must not be. */
  fault(text: string): void;
  /** A reply came after so many milliseconds. */
  answered(ms: number): void;
}

export interface Asker {
  readonly asked: number;
  /** Left without waiting for their replies. */
  readonly abandoned: number;
  /** Asks until it is told to stop, and waits for the last replies. */
  run(): Promise<void>;
  stop(): void;
}

/** A host may be busy with a reload; a reply that takes longer is lost. */
const LOST_AFTER_MS = 10_000;
const MOST_IN_FLIGHT = 64;
const VISIT_MS = [4000, 9000] as const;
/** Of its visits it leaves so many with replies on the way. */
const RUDE = 0.3;

interface Open {
  readonly reply: readonly Uint8Array[];
  readonly sentAt: number;
}

export function createAsker({ name, address, perSecond, question, fault, answered }: AskerOptions): Asker {
  let asked = 0;
  let abandoned = 0;
  let isOver = false;

  async function visit(): Promise<void> {
    const open = new Map<string, Open>();
    const socket = new Dealer({ linger: 0, sendTimeout: LOST_AFTER_MS });
    socket.connect(address);
    const reading = read(socket, open);
    const from = performance.now();
    const until = from + VISIT_MS[0] + Math.random() * (VISIT_MS[1] - VISIT_MS[0]);
    for (let sent = 0; performance.now() < until && !isOver; ) {
      const due = ((performance.now() - from) / 1000) * perSecond;
      for (; sent < due && open.size < MOST_IN_FLIGHT; sent++) {
        const number = ++asked;
        const { frames, reply } = question(number);
        open.set(String(number), { reply, sentAt: performance.now() });
        await socket.send([String(number), "", ...(frames as Uint8Array[])]);
      }
      sweep(open);
      await delay(2);
    }
    const isRude = !isOver && Math.random() < RUDE;
    while (!isRude && open.size > 0) {
      sweep(open);
      await delay(2);
    }
    abandoned += open.size;
    open.clear();
    socket.close();
    await reading;
  }

  async function read(socket: Dealer, open: Map<string, Open>): Promise<void> {
    for await (const [id, empty, ...body] of socket) {
      // One that was received when it left is not looked at any more.
      if (socket.closed) return;
      const number = String(id);
      const found = open.get(number);
      open.delete(number);
      if (empty?.length !== 0) fault(`${name} got a reply without its envelope`);
      else if (found === undefined) fault(`${name} got a reply to ${number}, which it does not wait for`);
      else if (!isSame(body, found.reply)) fault(`${name} got another reply to ${number}: ${shown(body)}`);
      else answered(performance.now() - found.sentAt);
    }
  }

  function sweep(open: Map<string, Open>): void {
    const [oldest] = open;
    if (oldest === undefined || performance.now() - oldest[1].sentAt < LOST_AFTER_MS) return;
    fault(`${name} got no reply to ${oldest[0]}`);
    open.delete(oldest[0]);
  }

  return {
    get asked() {
      return asked;
    },
    get abandoned() {
      return abandoned;
    },
    async run() {
      while (!isOver) await visit();
    },
    stop() {
      isOver = true;
    },
  };
}

function isSame(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return one.length === other.length && one.every((frame, index) => Buffer.compare(frame, other[index] ?? frame) === 0);
}

function shown(frames: readonly Uint8Array[]): string {
  return frames.map((frame) => JSON.stringify(Buffer.from(frame.subarray(0, 200)).toString())).join(" · ");
}
