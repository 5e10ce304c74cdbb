/**
 * Calls that wait for a place. The handlers that have one are served in turn, of each the peers in turn, and of each peer
 * its calls in their order. When there is no room, the peer that has most waiting gives way.
 */
import { LinkedList, type Node } from "../linked-list.ts";

/** What a queue needs to know of an entry. */
export interface Queued<Slot> {
  /** Whoever sent it; calls without one are of one peer. */
  readonly peer: string;
  /** The handler it waits for. */
  readonly slot: Slot;
  /** How many places of the queue it takes. */
  readonly places: number;
}

export interface FairQueue<Slot, Entry extends Queued<Slot>> {
  readonly size: number;
  /** Those that are taken. */
  readonly places: number;
  add(entry: Entry): void;
  /** Takes the next one whose handler has a place; undefined if there is none. */
  take(hasPlace: (slot: Slot) => boolean): Entry | undefined;
  /** Takes one out of its turn; false if it is not in the queue (any more). */
  remove(entry: Entry): boolean;
  /**
   * Takes the newest call of the peer that has most places, to make room for one of another peer. Undefined if that one would
   * then have as many as any: it is the newcomer who gives way.
   */
  evictFor(newcomer: Pick<Entry, "peer" | "places">): Entry | undefined;
  /** Whether `evictFor` would free so many places, by as many calls as it takes. */
  canFree(places: number, newcomer: Pick<Entry, "peer" | "places">): boolean;
  /** The handlers that somebody waits for. */
  slots(): Iterable<Slot>;
  entries(): Iterable<Entry>;
}

/** All calls of one peer. */
interface Crowd<Entry> {
  readonly calls: LinkedList<Entry>;
  places: number;
}

/** The calls of one peer for one handler. */
interface Lane<Entry> {
  readonly calls: LinkedList<Entry>;
  /** Its place in the order of turns. */
  turn: Node<Lane<Entry>>;
}

interface Lanes<Entry> {
  readonly byPeer: Map<string, Lane<Entry>>;
  readonly turns: LinkedList<Lane<Entry>>;
}

export function createFairQueue<Slot, Entry extends Queued<Slot>>(): FairQueue<Slot, Entry> {
  /** In the order of their turns. */
  const slots = new Map<Slot, Lanes<Entry>>();
  /** Whatever they wait for. */
  const peers = new Map<string, Crowd<Entry>>();
  let taken = 0;
  const nodes = new Map<Entry, { readonly inLane: Node<Entry>; readonly ofPeer: Node<Entry> }>();

  function laneOf({ slot, peer }: Entry): Lane<Entry> {
    const lanes = valueIn(slots, slot, () => ({
      byPeer: new Map<string, Lane<Entry>>(),
      turns: new LinkedList<Lane<Entry>>(),
    }));
    return valueIn(lanes.byPeer, peer, () => {
      const calls = new LinkedList<Entry>();
      const lane = { calls } as Lane<Entry>;
      lane.turn = lanes.turns.append(lane);
      return lane;
    });
  }

  function remove(entry: Entry): boolean {
    const node = nodes.get(entry);
    const lanes = slots.get(entry.slot);
    const lane = lanes?.byPeer.get(entry.peer);
    const crowd = peers.get(entry.peer);
    if (node === undefined || lanes === undefined || lane === undefined || crowd === undefined) return false;
    nodes.delete(entry);
    lane.calls.remove(node.inLane);
    crowd.calls.remove(node.ofPeer);
    crowd.places -= entry.places;
    taken -= entry.places;
    if (crowd.calls.size === 0) peers.delete(entry.peer);
    if (lane.calls.size === 0) {
      lanes.turns.remove(lane.turn);
      lanes.byPeer.delete(entry.peer);
      if (lanes.byPeer.size === 0) slots.delete(entry.slot);
    }
    return true;
  }

  /** Both have had their turn. */
  function moveBack(slot: Slot, lanes: Lanes<Entry>, lane: Lane<Entry>): void {
    if (lane.calls.size > 0) {
      lanes.turns.remove(lane.turn);
      lane.turn = lanes.turns.append(lane);
    }
    if (slots.delete(slot)) slots.set(slot, lanes);
  }

  return {
    get size() {
      return nodes.size;
    },
    get places() {
      return taken;
    },
    add(entry) {
      const crowd = valueIn(peers, entry.peer, () => ({ calls: new LinkedList<Entry>(), places: 0 }));
      crowd.places += entry.places;
      taken += entry.places;
      nodes.set(entry, { inLane: laneOf(entry).calls.append(entry), ofPeer: crowd.calls.append(entry) });
    },
    take(hasPlace) {
      for (const [slot, lanes] of slots) {
        const lane = hasPlace(slot) ? lanes.turns.first?.item : undefined;
        const entry = lane?.calls.first?.item;
        if (lane === undefined || entry === undefined) continue;
        remove(entry);
        moveBack(slot, lanes, lane);
        return entry;
      }
      return undefined;
    },
    remove,
    evictFor(newcomer) {
      // Where all have one each, which is the usual crowd, there is nobody to find.
      if (taken === peers.size) return undefined;
      let most: Crowd<Entry> | undefined;
      for (const crowd of peers.values()) if (most === undefined || crowd.places > most.places) most = crowd;
      const wanted = (peers.get(newcomer.peer)?.places ?? 0) + newcomer.places;
      if (most?.calls.last === undefined || most.places <= wanted) return undefined;
      const newest = most.calls.last.item;
      remove(newest);
      return newest;
    },
    canFree(places, newcomer) {
      if (taken === peers.size) return places <= 0;
      const wanted = (peers.get(newcomer.peer)?.places ?? 0) + newcomer.places;
      let needed = places;
      for (const crowd of peers.values()) {
        let left = crowd.places;
        for (let node = crowd.calls.last; needed > 0 && left > wanted && node !== undefined; node = node.before) {
          left -= node.item.places;
          needed -= node.item.places;
        }
        if (needed <= 0) break;
      }
      return needed <= 0;
    },
    slots: () => slots.keys(),
    entries: () => nodes.keys(),
  };
}

function valueIn<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
