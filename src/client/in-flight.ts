/**
 * Calls by their numbers. A table and not a Map, which is made anew all the time if many calls pass through it, with what that
 * costs (see linked-list.ts).
 */
export interface Numbered {
  /** From 0 to 2^32 - 1. */
  readonly id: number;
}

const FEWEST_SLOTS = 64;

export class InFlight<Call extends Numbered> {
  size = 0;
  /** Each in the slot that the last bits of its number say. Half of them are free at least. */
  #slots: (Call | undefined)[] = Array(FEWEST_SLOTS).fill(undefined);
  #last = 0;

  /** A number that no call here has, and that none has had for as long as possible. */
  newNumber(): number {
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#slots[this.#slotOf(this.#last)] !== undefined);
    return this.#last;
  }

  /** @param call with a new number */
  add(call: Call): void {
    if (++this.size * 2 > this.#slots.length) this.#grow();
    this.#slots[this.#slotOf(call.id)] = call;
  }

  get(id: number): Call | undefined {
    const call = this.#slots[this.#slotOf(id)];
    return call?.id === id ? call : undefined;
  }

  delete(call: Call): void {
    const slot = this.#slotOf(call.id);
    if (this.#slots[slot] !== call) return;
    this.#slots[slot] = undefined;
    this.size--;
  }

  all(): Call[] {
    return this.#slots.filter((call) => call !== undefined);
  }

  #slotOf(id: number): number {
    return id & (this.#slots.length - 1);
  }

  /** Those in slots of their own have such in any larger table, too. */
  #grow(): void {
    const calls = this.all();
    this.#slots = Array(this.#slots.length * 2).fill(undefined);
    for (const call of calls) this.#slots[this.#slotOf(call.id)] = call;
  }
}
