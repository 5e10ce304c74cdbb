/**
 * Messages that leave in one go. libzmq's own thread sleeps when it has nothing to do, and to wake it costs more than all else
 * about a message; so what is to be sent waits until all that can be read has been, or a few have gathered.
 */

/** As many as wake it at once and keep nobody waiting. */
const AT_ONCE = 32;

/** Hands items to `send`, several at once and in order, when this turn's promises have settled at the latest. */
export function sendTogether<Item>(send: (items: readonly Item[]) => void): {
  add(item: Item): void;
  /** Sends what waits, so that what is sent next does not overtake it. */
  flush(): void;
} {
  let waiting: Item[] = [];
  function flush(): void {
    const items = waiting;
    waiting = [];
    if (items.length > 0) send(items);
  }
  return {
    flush,
    add(item) {
      waiting.push(item);
      // A tick comes after promises, and a message that can be read is one that has settled.
      if (waiting.length === 1) process.nextTick(flush);
      else if (waiting.length >= AT_ONCE) flush();
    },
  };
}
