/** Who asked what, and what came back: each request gets one reply, its own, and it is one that it can have. */
import type { Codec } from "../../src/codecs/codec.ts";
import type { Errand } from "./acts.ts";
import { faultOf } from "./judge.ts";
import { parsePlainReply, parseZepReply, type Reply } from "./replies.ts";
import type { Endpoint, Floor, Slot } from "./served.ts";

/** A request that is on its way. */
export interface Asked {
  /** Unlike any other's. */
  readonly n: number;
  readonly endpoint: Endpoint;
  /** Who sent it; the reply must come back there. */
  readonly peer: string;
  readonly sentAt: number;
  /** What it asks for, for people. */
  readonly what: string;
  /** Codes that its reply may have, whatever becomes of the handler. */
  readonly ends: readonly string[];
  /** Absent for what calls no handler. */
  readonly call?: {
    readonly slot: Slot;
    readonly errand: Errand;
    readonly codec: Codec;
    /** Of the editions in its answer. */
    readonly floors: Readonly<Record<string, Floor>>;
    /** When it must be `deadline_exceeded` at the latest, and not before. */
    readonly timeoutMs: number;
  };
  readonly requestId?: string;
}

export interface Ledger {
  /** A number for a request. */
  number(): number;
  asked(request: Asked): void;
  /** It was not sent after all. */
  withdrawn(request: Asked): void;
  replied(peer: string, id: string, frames: readonly Uint8Array[]): void;
  /** What else must not be. */
  fault(text: string): void;
  /** Looks for requests that wait for too long. */
  sweep(): void;
  /** Nobody will answer any more. */
  abandon(why: string): void;
  inFlight(peer?: string): number;
  /** Called whenever a request has been settled. */
  onSettled: () => void;
  readonly faults: readonly string[];
  /** Resolves at the first fault. */
  readonly failed: Promise<void>;
  readonly counts: Counts;
}

export interface Counts {
  asked: number;
  replied: number;
  /** Sent to an endpoint that was being moved; nobody promises those a reply. */
  lostInMoves: number;
  readonly codes: Record<string, number>;
  /** By act and place, then by code. */
  readonly ends: Record<string, Record<string, number>>;
  /** By endpoint. */
  readonly endpoints: Record<string, number>;
  /** The longest that a reply came after its deadline. */
  mostLateMs: number;
}

/** Longer than anything may take: a lock-step endpoint's backlog of calls that all go on to their deadlines. */
const MISSING_AFTER_MS = 40_000;
/** One that was sent while its endpoint was moving is not waited for as long, as it holds a place in the load. */
const LOST_AFTER_MS = 8_000;

const MOST_FAULTS = 20;

export function createLedger(): Ledger {
  const open = new Map<string, Asked>();
  /** Sent in a move, and not waited for any more; their replies may come all the same. */
  const lost = new Map<string, Asked>();
  const byPeer = new Map<string, number>();
  const faults: string[] = [];
  const counts: Counts = {
    asked: 0,
    replied: 0,
    lostInMoves: 0,
    codes: {},
    ends: {},
    endpoints: {},
    mostLateMs: 0,
  };
  let last = 0;

  let fail = (): void => {};
  const failed = new Promise<void>((resolve) => {
    fail = resolve;
  });

  function fault(text: string): void {
    fail();
    if (faults.length < MOST_FAULTS) faults.push(text);
  }

  function close(request: Asked): void {
    open.delete(String(request.n));
    byPeer.set(request.peer, (byPeer.get(request.peer) ?? 1) - 1);
  }

  function replied(peer: string, id: string, frames: readonly Uint8Array[]): void {
    const now = performance.now();
    const request = open.get(id) ?? lost.get(id);
    if (request === undefined) {
      const asked = /^\d+$/.test(id) && Number(id) <= last;
      fault(`${peer} got ${asked ? "a second reply to" : "a reply to what nobody asked,"} ${id}: ${shown(frames)}`);
      return;
    }
    if (request.peer !== peer) {
      fault(`${peer} got the reply to ${described(request, now)}: ${shown(frames)}`);
      return;
    }
    if (lost.delete(id)) counts.lostInMoves--;
    else close(request);
    counts.replied++;
    let reply: Reply;
    try {
      reply = request.endpoint.plain === undefined ? parseZepReply(frames) : parsePlainReply(frames);
    } catch (error) {
      fault(`${described(request, now)} got a malformed reply (${String(error)}): ${shown(frames)}`);
      ledger.onSettled();
      return;
    }
    count(request, reply.code, now);
    const wrong = faultOf(request, reply, now);
    if (wrong !== undefined) fault(`${described(request, now)} ${wrong}: ${shown(frames)}`);
    ledger.onSettled();
  }

  function count(request: Asked, code: string, now: number): void {
    add(counts.codes, code);
    add(counts.endpoints, request.endpoint.name);
    const { call } = request;
    const act = call === undefined ? "garbage" : `${call.errand.act} ${call.slot.isolation}`;
    counts.ends[act] ??= {};
    add(counts.ends[act], code);
    if (call === undefined || request.endpoint.isLockStep) return;
    counts.mostLateMs = Math.max(counts.mostLateMs, Math.round(now - request.sentAt - call.timeoutMs));
  }

  function sweep(): void {
    const now = performance.now();
    for (const request of open.values()) {
      const { state } = request.endpoint;
      const age = now - request.sentAt;
      // One that was sent before the move had reached the host, and is owed its reply.
      const mayBeLost = state.during(request.sentAt, request.sentAt).has("moving");
      if (age < (mayBeLost ? LOST_AFTER_MS : MISSING_AFTER_MS)) continue;
      close(request);
      if (mayBeLost) lose(request);
      else fault(`${described(request, now)} got no reply`);
      ledger.onSettled();
    }
  }

  function abandon(why: string): void {
    const now = performance.now();
    for (const request of open.values()) {
      close(request);
      fault(`${described(request, now)} got no reply, ${why}`);
    }
    ledger.onSettled();
  }

  function lose(request: Asked): void {
    lost.set(String(request.n), request);
    counts.lostInMoves++;
  }

  const ledger: Ledger = {
    number: () => ++last,
    asked(request) {
      counts.asked++;
      open.set(String(request.n), request);
      byPeer.set(request.peer, (byPeer.get(request.peer) ?? 0) + 1);
    },
    withdrawn(request) {
      counts.asked--;
      close(request);
    },
    replied,
    fault,
    sweep,
    abandon,
    inFlight: (peer) => (peer === undefined ? open.size : (byPeer.get(peer) ?? 0)),
    onSettled: () => {},
    faults,
    failed,
    counts,
  };
  return ledger;
}

export function add(counts: Record<string, number>, name: string, more = 1): void {
  counts[name] = (counts[name] ?? 0) + more;
}

function described({ n, peer, endpoint, what, sentAt, call }: Asked, now: number): string {
  const deadline = call === undefined ? "" : `, with ${call.timeoutMs} ms`;
  return `request ${n} (${what}) of ${peer} at ${endpoint.name}, sent ${Math.round(now - sentAt)} ms before${deadline},`;
}

function shown(frames: readonly Uint8Array[]): string {
  const texts = frames.slice(0, 6).map((frame) => JSON.stringify(Buffer.from(frame.subarray(0, 300)).toString()));
  return `${frames.length} frames, ${texts.join(" · ")}`;
}
