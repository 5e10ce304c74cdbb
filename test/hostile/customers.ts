/** Real clients, who ask while a host is under attack: each reply must be theirs, and come. */
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "zmqecho";

export interface Customers {
  /** Ends them, when the last reply is there. */
  leave(): Promise<Served>;
}

export interface Served {
  readonly asked: number;
  /** What they got instead of their own reply, by its text. Empty if all is well. */
  readonly instead: Readonly<Record<string, number>>;
  readonly longestMs: number;
}

const PAUSE_MS = 10;
/** Longer than any of them should wait. */
const TIMEOUT_MS = 8000;

/** @param address where `echo` is served by name */
export function sendCustomers(address: string, count = 3): Customers {
  const leaving = new AbortController();
  const instead: Record<string, number> = {};
  let asked = 0;
  let longestMs = 0;

  async function come(name: number): Promise<void> {
    await using client = createClient({ connect: address, codec: "json", timeoutMs: TIMEOUT_MS });
    while (!leaving.signal.aborted) {
      const question = { of: name, n: ++asked };
      const from = performance.now();
      const got = await client.call("echo", question).then(
        (value) => JSON.stringify(value),
        (error: Error) => error.message,
      );
      longestMs = Math.max(longestMs, performance.now() - from);
      if (got !== JSON.stringify(question)) instead[got] = (instead[got] ?? 0) + 1;
      await delay(PAUSE_MS);
    }
  }

  const gone = Promise.all(Array.from({ length: count }, (_, index) => come(index)));
  return {
    async leave() {
      leaving.abort();
      await gone;
      return { asked, instead, longestMs: Math.round(longestMs) };
    },
  };
}
