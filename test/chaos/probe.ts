/** Looks at what is served just now, over sockets of its own: the editor's eyes. */
import { setTimeout as delay } from "node:timers/promises";
import { Dealer, Request } from "zeromq";
import type { Codec } from "../../src/codecs/codec.ts";
import { parsePlainReply, parseZepReply, type Reply } from "./replies.ts";
import type { Slot } from "./served.ts";
import { createClientCodecs, type Site } from "./site.ts";

/** What was answered to it: a code, and with `ok` the answer. */
export interface Seen {
  readonly code: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

export interface HostNumbers {
  readonly reloads: { readonly done: number; readonly failed: number };
  readonly endpoints: Readonly<
    Record<string, { inFlight: number; queued: number; droppedReplies: number; codes: Record<string, number> }>
  >;
  readonly handlers: Readonly<Record<string, { inFlight: number; workers?: { live: number; lost: number } }>>;
}

export interface Probe {
  /** Asks until what it sees is accepted. Rejects after {@link PATIENCE_MS} with what it saw last. */
  until(slot: Slot, codec: "json" | "order", accepts: (seen: Seen) => boolean): Promise<Seen>;
  /** Resolves when the endpoint at a socket's path answers. */
  untilAnswers(path: string): Promise<void>;
  numbers(): Promise<HostNumbers>;
  close(): void;
}

/** How long an edit may take to count: under this load a reload shares two cores with hundreds of calls. */
export const PATIENCE_MS = 60_000;
const PAUSE_MS = 40;

export async function createProbe(site: Site, address: string, fault: (text: string) => void): Promise<Probe> {
  const codecs = await createClientCodecs(site);
  const socket = new Dealer({ linger: 0 });
  socket.connect(address);
  const waiting = new Map<string, (reply: Reply) => void>();
  let sending: Promise<void> = Promise.resolve();
  let count = 0;
  void receive();

  async function receive(): Promise<void> {
    for await (const [id, , ...frames] of socket) {
      try {
        waiting.get(String(id))?.(parseZepReply(frames));
      } catch (error) {
        fault(`the probe got a malformed reply: ${String(error)}`);
      }
      waiting.delete(String(id));
    }
  }

  function ask(...frames: (string | Uint8Array)[]): Promise<Reply> {
    const id = `probe-${++count}`;
    sending = sending.then(() => socket.send([id, "", ...frames]));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no reply to the probe ${frames.slice(0, 4).join(" ")}`)),
        PATIENCE_MS,
      );
      waiting.set(id, (reply) => {
        clearTimeout(timer);
        resolve(reply);
      });
    });
  }

  async function look(slot: Slot, codec: Codec): Promise<Seen> {
    const order = { n: 0, act: "now", ...(codec.name === "order" && { k1: "k" }) };
    const reply = await ask("ZEP1 call", slot.name, codec.name, "", ...codec.encodeBody(order));
    if (reply.code !== "ok") return { code: reply.code, answer: {} };
    return { code: "ok", answer: codec.decodeBody(reply.body) as Seen["answer"] };
  }

  return {
    async until(slot, name, accepts) {
      const codec = codecs.get(name);
      if (codec === undefined) throw new Error(`there is no codec ${name} here`);
      const end = performance.now() + PATIENCE_MS;
      for (;;) {
        const seen = await look(slot, codec);
        if (accepts(seen)) return seen;
        if (performance.now() > end) {
          throw new Error(`after ${PATIENCE_MS} ms handler ${slot.name} still gives ${JSON.stringify(seen)}`);
        }
        await delay(PAUSE_MS);
      }
    },
    async untilAnswers(path) {
      const end = performance.now() + PATIENCE_MS;
      while (performance.now() < end) if (await answersAt(path)) return;
      throw new Error(`after ${PATIENCE_MS} ms nobody answers at ${path}`);
    },
    async numbers() {
      const reply = await ask("ZEP1 stats");
      if (reply.code !== "ok") throw new Error(`the host gives no numbers: ${reply.code}`);
      return JSON.parse(Buffer.concat(reply.body).toString()) as HostNumbers;
    },
    close: () => socket.close(),
  };
}

/** A fresh socket each time: what was sent to one that is being closed never comes back. */
async function answersAt(path: string): Promise<boolean> {
  const socket = new Request({ linger: 0, sendTimeout: 1000, receiveTimeout: 1000 });
  try {
    socket.connect(path);
    await socket.send('{"n":0,"act":"now"}');
    return parsePlainReply(await socket.receive()).code === "ok";
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
