/** Which reply belongs to which request: by connection and envelope, first in, first out. */
import type { Body } from "../codecs/codec.ts";

/** What a message says, without the envelope. */
export interface Content {
  /** Undefined if it was too large to keep. */
  readonly body: Body | undefined;
  readonly bytes: number;
}

/** A request, and its reply once there is one. */
export interface Exchange {
  /** From 1, in the order in which the requests came. */
  readonly number: number;
  /** When it was read, as `performance.now()` has it. */
  readonly at: number;
  readonly request: Content;
  reply?: Content;
  /** Milliseconds from the read of the request to that of the reply. */
  latencyMs?: number;
}

export interface Exchanges {
  /** Those of one connection. */
  connection(): Connection;
  /** Those that wait, in order; none of them does afterwards. */
  giveUpAll(): readonly Exchange[];
}

export interface Connection {
  /** @param notKept if `frames` is the envelope alone: the bytes of the rest */
  request(frames: Body, at: number, notKept: number | undefined): Exchange;
  /** Undefined for an exchange if no request waits for it. */
  reply(frames: Body, at: number, notKept: number | undefined): { content: Content; exchange: Exchange | undefined };
  /** Whether none of its requests waits. */
  isSettled(): boolean;
  /** No more replies will come: gives up those that wait. */
  end(): void;
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
  readonly queues: Queues;
  readonly bytes: number;
}

/** By envelope. */
type Queues = Map<string, Waiting[]>;

/** What a frame takes besides its bytes, about. */
const FRAME_COST = 64;

export function createExchanges({ most, mostBytes, onGivenUp }: ExchangesOptions): Exchanges {
  /** In order of arrival. */
  const waiting = new Set<Waiting>();
  let bytes = 0;
  let number = 0;

  function remove(entry: Waiting): void {
    waiting.delete(entry);
    bytes -= entry.bytes;
    const queue = entry.queues.get(entry.key);
    // The oldest of its envelope is always the first to go.
    queue?.shift();
    if (queue?.length === 0) entry.queues.delete(entry.key);
  }

  function giveUp(entry: Waiting): void {
    remove(entry);
    onGivenUp(entry.exchange);
  }

  function connection(): Connection {
    const queues: Queues = new Map();
    return {
      request(frames, at, notKept) {
        const { key, content } = split(frames, notKept);
        const exchange: Exchange = { number: ++number, at, request: content };
        const kept = content.body === undefined ? 0 : content.bytes;
        const entry = { exchange, key, queues, bytes: kept + frames.length * FRAME_COST };
        waiting.add(entry);
        bytes += entry.bytes;
        const queue = queues.get(key);
        if (queue === undefined) queues.set(key, [entry]);
        else queue.push(entry);
        while (waiting.size > most || (bytes > mostBytes && waiting.size > 1)) {
          const [oldest] = waiting;
          if (oldest === undefined) break;
          giveUp(oldest);
        }
        return exchange;
      },
      reply(frames, at, notKept) {
        const { key, content } = split(frames, notKept);
        const entry = queues.get(key)?.[0];
        if (entry === undefined) return { content, exchange: undefined };
        remove(entry);
        entry.exchange.reply = content;
        entry.exchange.latencyMs = at - entry.exchange.at;
        return { content, exchange: entry.exchange };
      },
      isSettled: () => queues.size === 0,
      end() {
        const left = [...queues.values()].flat();
        for (const entry of left.sort((a, b) => a.exchange.number - b.exchange.number)) giveUp(entry);
      },
    };
  }

  return {
    connection,
    giveUpAll() {
      const all = [...waiting];
      for (const entry of all) remove(entry);
      return all.map(({ exchange }) => exchange);
    },
  };
}

/** The envelope ends with the first empty frame; without one there is none, and all is payload. */
function split(frames: Body, notKept: number | undefined): { key: string; content: Content } {
  const size = frames.findIndex((frame) => frame.length === 0) + 1;
  const key = size === 1 ? "0:" : frames.slice(0, size).map(keyOf).join("");
  if (notKept !== undefined) return { key, content: { body: undefined, bytes: notKept } };
  const body = size === 0 ? frames : frames.slice(size);
  return { key, content: { body, bytes: sizeOf(body) } };
}

const keyOf = (frame: Uint8Array): string => `${frame.length}:${Buffer.from(frame).toString("latin1")}`;

function sizeOf(body: Body): number {
  let bytes = 0;
  for (const frame of body) bytes += frame.length;
  return bytes;
}
