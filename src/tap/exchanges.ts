/** Which reply belongs to which request: by the envelope, first in, first out. */
import type { Body } from "../codecs/codec.ts";

/** A request, and its reply once there is one. */
export interface Exchange {
  /** From 1, in the order in which the requests came. */
  readonly number: number;
  /** When it was read, as `performance.now()` has it. */
  readonly at: number;
  /** Without the envelope. */
  readonly request: Body;
  reply?: Body;
  /** Milliseconds from the read of the request to that of the reply. */
  latencyMs?: number;
}

export interface Exchanges {
  /** @param frames as they were read, the client's id first */
  request(frames: Body, at: number): Exchange;
  /** Undefined if no request waits for it. */
  reply(frames: Body, at: number): Exchange | undefined;
  /** How many wait for their replies. */
  waiting(): number;
  /** Those that wait, in order; none of them does afterwards. */
  giveUpAll(): readonly Exchange[];
}

export interface ExchangesOptions {
  /** How many may wait, and with how many bytes. Beyond that the oldest are given up: a server that never replies must not cost all memory. */
  readonly most: number;
  readonly mostBytes: number;
  readonly onGivenUp: (exchange: Exchange) => void;
}

interface Waiting {
  readonly exchange: Exchange;
  readonly key: string;
  readonly bytes: number;
}

export function createExchanges({ most, mostBytes, onGivenUp }: ExchangesOptions): Exchanges {
  /** In order of arrival. */
  const waiting = new Set<Waiting>();
  const byEnvelope = new Map<string, Waiting[]>();
  let bytes = 0;
  let number = 0;

  function remove(entry: Waiting): void {
    waiting.delete(entry);
    bytes -= entry.bytes;
    const queue = byEnvelope.get(entry.key);
    // The oldest of its envelope is always the first to go.
    queue?.shift();
    if (queue?.length === 0) byEnvelope.delete(entry.key);
  }

  return {
    request(frames, at) {
      const { key, body } = split(frames);
      const exchange: Exchange = { number: ++number, at, request: body };
      const entry = { exchange, key, bytes: sizeOf(body) };
      waiting.add(entry);
      bytes += entry.bytes;
      const queue = byEnvelope.get(key);
      if (queue === undefined) byEnvelope.set(key, [entry]);
      else queue.push(entry);
      while (waiting.size > most || (bytes > mostBytes && waiting.size > 1)) {
        const [oldest] = waiting;
        if (oldest === undefined) break;
        remove(oldest);
        onGivenUp(oldest.exchange);
      }
      return exchange;
    },
    reply(frames, at) {
      const { key, body } = split(frames);
      const [entry] = byEnvelope.get(key) ?? [];
      if (entry === undefined) return undefined;
      remove(entry);
      entry.exchange.reply = body;
      entry.exchange.latencyMs = at - entry.exchange.at;
      return entry.exchange;
    },
    waiting: () => waiting.size,
    giveUpAll() {
      const all = [...waiting].map(({ exchange }) => exchange);
      waiting.clear();
      byEnvelope.clear();
      bytes = 0;
      return all;
    },
  };
}

/** The envelope ends with the first empty frame; without one it is the client's id alone, and all else is payload. */
function split(frames: Body): { key: string; body: Body } {
  const end = frames.findIndex((frame, index) => index > 0 && frame.length === 0);
  const envelope = frames.slice(0, end < 0 ? 1 : end + 1);
  const key = envelope.map((frame) => `${frame.length}:${Buffer.from(frame).toString("latin1")}`).join("");
  return { key, body: frames.slice(envelope.length) };
}

export function sizeOf(body: Body): number {
  let bytes = 0;
  for (const frame of body) bytes += frame.length;
  return bytes;
}
