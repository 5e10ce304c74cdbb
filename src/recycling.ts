/**
 * Endpoints where somebody may be connected whose key has gone. libzmq can't throw anybody out, so their sockets are made
 * anew: a second after the first key went, when others have gone with it; never if all are back by then.
 */
import { type Keyring, keysIn } from "./curve/keyring.ts";

export interface Recycling {
  /** A keyring has taken the place of another. */
  note(endpoint: string, before: Keyring, now: Keyring): void;
  /** Those whose time has come. */
  due(): ReadonlySet<string>;
  /** Its socket is gone, or a new one. */
  forget(endpoint: string): void;
}

interface Waiting {
  /** When it is due, as `performance.now()` has it. */
  readonly at: number;
  /** For which keys. */
  readonly gone: ReadonlySet<string>;
}

/** Keys that go within this time are one reason to make a socket anew. */
const AFTER_MS = 1000;

/** @param onDue called when `due` has something to say */
export function createRecycling(onDue: () => void): Recycling {
  const waiting = new Map<string, Waiting>();
  return {
    note(endpoint, before, now) {
      const known = waiting.get(endpoint);
      const gone = new Set([...(known?.gone ?? []), ...keysIn(before)]);
      for (const key of keysIn(now)) gone.delete(key);
      if (gone.size === 0) {
        waiting.delete(endpoint);
        return;
      }
      waiting.set(endpoint, { at: known?.at ?? performance.now() + AFTER_MS, gone });
      if (known === undefined) setTimeout(onDue, AFTER_MS + 1).unref();
    },
    due() {
      const now = performance.now();
      return new Set([...waiting].filter(([, { at }]) => at <= now).map(([endpoint]) => endpoint));
    },
    forget: (endpoint) => void waiting.delete(endpoint),
  };
}
