/**
 * Which reply belongs to which request: by connection and envelope, first in, first out. Each call of a batch is a request of
 * its own, and its number belongs to its envelope, as it does on the wire when the reply comes by itself.
 */
import type { Body } from "../codecs/codec.ts";
import type { BatchItem } from "../wire/batch.ts";
import { callsIn, repliesIn } from "./batches.ts";

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
  /** Of a batch that was answered as a whole: the calls in it, which have no reply of their own. It has the first one's number. */
  readonly calls?: readonly Exchange[];
}

/** A reply, and the exchange that it ends; undefined if no request waits for it. */
export interface Reply {
  readonly content: Content;
  readonly exchange: Exchange | undefined;
}

export interface Exchanges {
  /** Those of one connection. */
  connection(): Connection;
  /** Those that wait, in order; none of them does afterwards. */
  giveUpAll(): readonly Exchange[];
}

/** Of both, a message that is a batch has several. */
export interface Connection {
  /** @param notKept if `frames` is the envelope alone: the bytes of the rest */
  request(frames: Body, at: number, notKept: number | undefined): readonly Exchange[];
  reply(frames: Body, at: number, notKept: number | undefined): readonly Reply[];
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

/** By envelope. */
type Queues<Item> = Map<string, Item[]>;

interface Waiting {
  readonly exchange: Exchange;
  readonly key: string;
  readonly queues: Queues<Waiting>;
  readonly bytes: number;
  readonly batch?: Batch;
}

/** Calls that came as one message, of which each keeps all of it in memory. */
interface Batch {
  readonly content: Content;
  readonly key: string;
  readonly queues: Queues<Batch>;
  /** While none of them has ended, since until then a reply may be to all of them. */
  calls: Waiting[];
  /** How many wait. */
  left: number;
}

/** What a frame takes besides its bytes, about. */
const FRAME_COST = 64;

/** No chain of proxies makes a longer one, and each call of a batch has it again. */
const LONGEST_KEY_OF_BATCH = 4096;

export function createExchanges({ most, mostBytes, onGivenUp }: ExchangesOptions): Exchanges {
  /** In order of arrival. */
  const waiting = new Set<Waiting>();
  let bytes = 0;
  let number = 0;

  function add(entry: Waiting): void {
    waiting.add(entry);
    bytes += entry.bytes;
    enqueue(entry.queues, entry.key, entry);
  }

  function remove(entry: Waiting): void {
    waiting.delete(entry);
    bytes -= entry.bytes;
    dequeue(entry.queues, entry.key, entry);
    const { batch } = entry;
    if (batch === undefined) return;
    if (batch.calls.length > 0) dequeue(batch.queues, batch.key, batch);
    batch.calls = [];
    if (--batch.left === 0) bytes -= batch.content.bytes;
  }

  function giveUp(entry: Waiting): void {
    remove(entry);
    onGivenUp(entry.exchange);
  }

  function giveUpOldest(): void {
    for (const oldest of waiting) {
      if (waiting.size <= most && (bytes <= mostBytes || waiting.size === 1)) break;
      giveUp(oldest);
    }
  }

  function answer(entry: Waiting | undefined, content: Content, at: number): Reply {
    if (entry === undefined) return { content, exchange: undefined };
    remove(entry);
    const { exchange } = entry;
    exchange.reply = content;
    exchange.latencyMs = at - exchange.at;
    return { content, exchange };
  }

  function answerAll({ content: request, calls }: Batch, first: Exchange, content: Content, at: number): Reply {
    for (const call of calls) remove(call);
    const exchange: Exchange = {
      number: first.number,
      at: first.at,
      request,
      reply: content,
      latencyMs: at - first.at,
      calls: calls.map((call) => call.exchange),
    };
    return { content, exchange };
  }

  function connection(): Connection {
    const queues: Queues<Waiting> = new Map();
    const batches: Queues<Batch> = new Map();

    function oneRequest(key: string, frames: number, content: Content, at: number): Exchange {
      const exchange: Exchange = { number: ++number, at, request: content };
      const kept = content.body === undefined ? 0 : content.bytes;
      add({ exchange, key, queues, bytes: kept + key.length + frames * FRAME_COST });
      return exchange;
    }

    function batchOf(key: string, items: readonly BatchItem[], content: Content, at: number): Exchange[] {
      const batch: Batch = { content, key, queues: batches, calls: [], left: items.length };
      bytes += content.bytes;
      for (const { id, frames } of items) {
        const exchange: Exchange = { number: ++number, at, request: contentOf(frames) };
        const own = callKey(key, id);
        const entry = { exchange, key: own, queues, bytes: own.length + frames.length * FRAME_COST, batch };
        add(entry);
        batch.calls.push(entry);
      }
      enqueue(batches, key, batch);
      return batch.calls.map(({ exchange }) => exchange);
    }

    return {
      request(frames, at, notKept) {
        const { key, content } = split(frames, notKept);
        const mayBeBatch = content.body !== undefined && key !== "" && key.length <= LONGEST_KEY_OF_BATCH;
        const items = mayBeBatch ? callsIn(content.body) : undefined;
        const exchanges =
          items === undefined ? [oneRequest(key, frames.length, content, at)] : batchOf(key, items, content, at);
        giveUpOldest();
        return exchanges;
      },
      reply(frames, at, notKept) {
        const { key, content } = split(frames, notKept);
        const items = content.body === undefined || key === "" ? undefined : repliesIn(content.body);
        if (items !== undefined) {
          const replies = items.map(({ id, frames: own }) => ({ key: callKey(key, id), content: contentOf(own) }));
          if (batches.has(key) || replies.some((reply) => queues.has(reply.key)))
            return replies.map((reply) => answer(queues.get(reply.key)?.[0], reply.content, at));
        }
        const alone = queues.get(key)?.[0];
        const batch = batches.get(key)?.[0];
        const first = batch?.calls[0]?.exchange;
        if (batch === undefined || first === undefined || (alone && alone.exchange.number < first.number))
          return [answer(alone, content, at)];
        return [answerAll(batch, first, content, at)];
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

function enqueue<Item>(queues: Queues<Item>, key: string, item: Item): void {
  const queue = queues.get(key);
  if (queue === undefined) queues.set(key, [item]);
  else queue.push(item);
}

function dequeue<Item>(queues: Queues<Item>, key: string, item: Item): void {
  const queue = queues.get(key);
  if (queue === undefined) return;
  // It is the oldest of its envelope, unless it goes together with others.
  if (queue[0] === item) queue.shift();
  else queue.splice(queue.indexOf(item), 1);
  if (queue.length === 0) queues.delete(key);
}

/** The envelope ends with the first empty frame; without one there is none, and all is payload. */
function split(frames: Body, notKept: number | undefined): { key: string; content: Content } {
  const size = frames.findIndex((frame) => frame.length === 0) + 1;
  const key = size === 1 ? END_OF_KEY : frames.slice(0, size).map(keyOf).join("");
  if (notKept !== undefined) return { key, content: { body: undefined, bytes: notKept } };
  return { key, content: contentOf(size === 0 ? frames : frames.slice(size)) };
}

const keyOf = (frame: Uint8Array): string => `${frame.length}:${Buffer.from(frame).toString("latin1")}`;

/** That of the empty frame. */
const END_OF_KEY = "0:";

/** As `split` has it for a reply that comes by itself: with the number as one more frame before the empty one. */
function callKey(batch: string, id: number): string {
  const frame = String.fromCharCode(id >>> 24, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff);
  return `${batch.slice(0, -END_OF_KEY.length)}4:${frame}${END_OF_KEY}`;
}

function contentOf(body: Body): Content {
  let bytes = 0;
  for (const frame of body) bytes += frame.length;
  return { body, bytes };
}
