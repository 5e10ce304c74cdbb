/**
 * What is served, as far as it can be known from outside: what the editor has begun, and what has been seen since. A
 * reload takes its time, so between the two more than one answer is right.
 */
import type { Isolation } from "../../src/handler.ts";

/** States over time; at one moment there may be several, since nobody knows yet which. */
export interface Phases<State> {
  begin(...states: readonly State[]): void;
  /** All that may have been between two moments, on the clock of `performance.now()`. */
  during(from: number, to: number): ReadonlySet<State>;
}

/** No request is older than this. */
const KEPT_MS = 120_000;

export function createPhases<State>(...first: readonly State[]): Phases<State> {
  let phases = [{ from: 0, states: first }];
  return {
    begin(...states) {
      const now = performance.now();
      const old = phases.findLastIndex(({ from }) => from < now - KEPT_MS);
      phases = [...phases.slice(Math.max(0, old)), { from: now, states }];
    },
    during(from, to) {
      const first = phases.findLastIndex((phase) => phase.from <= from);
      const seen = phases.slice(Math.max(0, first)).filter((phase) => phase.from <= to);
      return new Set(seen.flatMap(({ states }) => states));
    },
  };
}

/** The numbers of a text that is written again and again. */
export interface Editions {
  readonly latest: number;
  /** The number for the next text. */
  next(): number;
  /** The same for one that can't be used, so that no reply may ever carry it. */
  nextBroken(): number;
  /** Why a reply with that number is wrong, or undefined if it is right. */
  faultOf(edition: unknown, floor: number): string | undefined;
}

export function createEditions(): Editions {
  let latest = 1;
  const broken = new Set<number>();
  return {
    get latest() {
      return latest;
    },
    next: () => ++latest,
    nextBroken() {
      broken.add(++latest);
      return latest;
    },
    faultOf(edition, floor) {
      if (typeof edition !== "number" || !Number.isInteger(edition)) return `${String(edition)} is no edition`;
      if (edition < floor) return `edition ${edition}, though ${floor} had been served before`;
      if (edition > latest) return `edition ${edition}, and there are ${latest}`;
      return broken.has(edition) ? `edition ${edition}, which can't be used` : undefined;
    },
  };
}

/** What has been seen of some editions in one place: from then on no earlier one may come. */
export interface Floor {
  readonly editions: Editions;
  saw(edition: number): void;
  /** The latest that had been seen at that moment. */
  at(moment: number): number;
}

export function createFloor(editions: Editions): Floor {
  const seen = createPhases(1);
  let highest = 1;
  return {
    editions,
    saw(edition) {
      if (edition <= highest) return;
      highest = edition;
      seen.begin(edition);
    },
    at: (moment) => Math.max(...seen.during(moment, moment)),
  };
}

/** Whether a handler answers, is not there, or is there and does not load. */
export type Presence = "served" | "missing" | "broken";

/** A handler's name, as it is called. */
export interface Slot {
  readonly name: string;
  readonly plugin: string;
  readonly isolation: Isolation;
  /** Whether one call of it may pay for what another left behind. */
  readonly isStray: boolean;
  readonly presence: Phases<Presence>;
  /** By the names they have in replies. */
  readonly floors: Readonly<Record<string, Floor>>;
}

export interface Endpoint {
  readonly name: string;
  readonly isLockStep: boolean;
  /** Absent for one that serves by name. */
  readonly plain?: { readonly slot: Slot; readonly codec: string };
  readonly state: Phases<"open" | "moving">;
}
