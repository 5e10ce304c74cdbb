/**
 * Calls that wait for a place: fair between the peers that sent them. The peers are served in turn, each in the order of
 * its own calls, and when there is no room the one that has most waiting gives way.
 */
import { LinkedList, type Node } from "./linked-list.ts";

/** What a queue needs to know of an entry. */
export interface Queued<Slot> {
  /** Whoever sent it; calls without one are of one peer. */
  readonly peer: string;
  /** The handler it waits for. */
  readonly slot: Slot;
}

export interface FairQueue<Slot, Entry extends Queued<Slot>> {
  readonly size: number;
  add(entry: Entry): void;
  /** Takes the next one whose handler has a place; undefined if there is none. */
  take(hasPlace: (slot: Slot) => boolean): Entry | undefined;
  /** Takes one out of its turn; false if it is not in the queue (any more). */
  remove(entry: Entry): boolean;
  /**
   * Takes the newest call of the peer that has most waiting, to make room for one of `peer`. Undefined if `peer` would
   * then have as many as any: it is the newcomer who gives way.
   */
  evictFor(peer: string): Entry | undefined;
  /** The handlers that somebody waits for. */
  slots(): Iterable<Slot>;
  entries(): Iterable<Entry>;
}

interface Peer<Entry> {
  readonly calls: LinkedList<Entry>;
  /** Its place in the order of turns. */
  turn: Node<Peer<Entry>>;
}

export function createFairQueue<Slot, Entry extends Queued<Slot>>(): FairQueue<Slot, Entry> {
  const peers = new Map<string, Peer<Entry>>();
  const turns = new LinkedList<Peer<Entry>>();
  const places = new Map<Entry, Node<Entry>>();
  const slots = new Map<Slot, number>();

  function peerOf(name: string): Peer<Entry> {
    const known = peers.get(name);
    if (known !== undefined) return known;
    const calls = new LinkedList<Entry>();
    const peer = { calls } as Peer<Entry>;
    peer.turn = turns.append(peer);
    peers.set(name, peer);
    return peer;
  }

  function remove(entry: Entry): boolean {
    const place = places.get(entry);
    const peer = peers.get(entry.peer);
    if (place === undefined || peer === undefined) return false;
    places.delete(entry);
    peer.calls.remove(place);
    if (peer.calls.size === 0) {
      peers.delete(entry.peer);
      turns.remove(peer.turn);
    }
    const left = (slots.get(entry.slot) ?? 1) - 1;
    if (left === 0) slots.delete(entry.slot);
    else slots.set(entry.slot, left);
    return true;
  }

  function firstRunnable(hasPlace: (slot: Slot) => boolean): Entry | undefined {
    // So that a long queue for a busy handler is not searched in vain at the end of each call of another.
    if (![...slots.keys()].some(hasPlace)) return undefined;
    for (const { calls } of turns) {
      for (const entry of calls) if (hasPlace(entry.slot)) return entry;
    }
    return undefined;
  }

  return {
    get size() {
      return places.size;
    },
    add(entry) {
      places.set(entry, peerOf(entry.peer).calls.append(entry));
      slots.set(entry.slot, (slots.get(entry.slot) ?? 0) + 1);
    },
    take(hasPlace) {
      const entry = firstRunnable(hasPlace);
      if (entry === undefined) return undefined;
      remove(entry);
      const peer = peers.get(entry.peer);
      if (peer !== undefined) {
        turns.remove(peer.turn);
        peer.turn = turns.append(peer);
      }
      return entry;
    },
    remove,
    evictFor(name) {
      // Where all have one each, which is the usual crowd, there is nobody to find.
      if (places.size === peers.size) return undefined;
      let most: LinkedList<Entry> | undefined;
      for (const { calls } of turns) if (most === undefined || calls.size > most.size) most = calls;
      if (most?.last === undefined || most.size <= (peers.get(name)?.calls.size ?? 0) + 1) return undefined;
      const newest = most.last.item;
      remove(newest);
      return newest;
    },
    slots: () => slots.keys(),
    *entries() {
      for (const { calls } of turns) yield* calls;
    },
  };
}
