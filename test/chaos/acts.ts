/** What may come of each act of test/chaos/plugins/lib/acts.ts, and how often it is asked for. */
import { ERROR_CODES, type ErrorCode } from "../../src/errors.ts";
import type { Isolation } from "../../src/handler.ts";
import type { Random } from "./random.ts";

export type Code = "ok" | ErrorCode;

interface ActFacts {
  /** How often, beside the others. */
  readonly weight: number;
  /**
   * What it may end with, the usual first; the error that it was told to throw is `asked`. When its deadline has passed,
   * it may be `deadline_exceeded` all the same.
   */
  readonly ends: readonly (Code | "asked")[];
  /** Where it may run without harm to the host. Default: everywhere. */
  readonly where?: readonly Isolation[];
  /** The least and the most milliseconds to ask for. */
  readonly ms?: readonly [number, number];
  /** Characters of padding to ask for, at most. */
  readonly size?: number;
  /** Whether it goes on to its deadline, so that it is given a short one. */
  readonly toTheDeadline?: boolean;
  /** Whether it does something later, when another call may run: only for handlers whose calls are prepared for that. */
  readonly isStray?: boolean;
}

const WALLED = ["thread", "process"] as const;
const DEADLINE = ["deadline_exceeded"] as const;

const TABLE = {
  now: { weight: 40, ends: ["ok"], size: 2000 },
  later: { weight: 20, ends: ["ok"], ms: [1, 40], size: 2000 },
  block: { weight: 1, ends: ["ok"], ms: [5, 30] },
  reuse: { weight: 4, ends: ["ok"], size: 300_000 },
  settlesTwice: { weight: 2, ends: ["ok"] },
  prints: { weight: 1, ends: ["ok"] },
  logs: { weight: 1, ends: ["ok"] },
  posts: { weight: 1, ends: ["ok"] },
  throws: { weight: 3, ends: ["internal"] },
  throwsOurs: { weight: 4, ends: ["asked"] },
  throwsNull: { weight: 2, ends: ["internal"] },
  throwsUnreadable: { weight: 2, ends: ["internal"] },
  throwsHalfReadable: { weight: 2, ends: ["internal"] },
  rejectsNull: { weight: 2, ends: ["internal"] },
  rejects: { weight: 2, ends: ["internal"], ms: [0, 20] },
  returnsFunction: { weight: 2, ends: ["internal"] },
  returnsCycle: { weight: 2, ends: ["internal"] },
  returnsUnreadable: { weight: 2, ends: ["internal"] },
  returnsTooMuch: { weight: 0.5, ends: ["internal"] },
  returnsTooDeep: { weight: 1, ends: ["internal"] },
  hangs: { weight: 0.7, ends: DEADLINE, toTheDeadline: true },
  heeds: { weight: 0.7, ends: DEADLINE, toTheDeadline: true },
  resists: { weight: 0.4, ends: DEADLINE, toTheDeadline: true },
  comesLate: { weight: 0.7, ends: DEADLINE, toTheDeadline: true },
  comesJustInTime: { weight: 2, ends: ["ok", "deadline_exceeded"], ms: [0, 30], toTheDeadline: true },
  loops: { weight: 0.7, ends: DEADLINE, where: WALLED, toTheDeadline: true },
  exits: { weight: 0.7, ends: ["internal"], where: WALLED, ms: [0, 2] },
  fillsMemory: { weight: 0.3, ends: ["internal", "deadline_exceeded"], where: WALLED },
  aborts: { weight: 0.4, ends: ["internal"], where: ["process"] },
  killsItself: { weight: 0.4, ends: ["internal"], where: ["process"] },
  closesItsPipe: { weight: 0.3, ends: ["internal"], where: ["process"] },
  // What follows is taken for the rest of a long message.
  writesToItsPipe: { weight: 0.3, ends: ["deadline_exceeded", "internal"], where: ["process"], toTheDeadline: true },
  throwsLater: { weight: 4, ends: ["ok"], ms: [0, 20], isStray: true },
  rejectsLater: { weight: 4, ends: ["ok"], ms: [0, 20], isStray: true },
  throwsNullLater: { weight: 2, ends: ["ok"], ms: [0, 20], isStray: true },
  exitsLater: { weight: 2, ends: ["ok"], where: WALLED, ms: [0, 20], isStray: true },
} as const satisfies Record<string, ActFacts>;

export type ActName = keyof typeof TABLE;

export const ACTS: Readonly<Record<ActName, ActFacts>> = TABLE;
const NAMES = Object.keys(TABLE) as ActName[];
const ERRORS = Object.keys(ERROR_CODES) as ErrorCode[];

/** What a request asks for. */
export interface Errand {
  readonly act: ActName;
  readonly ms: number;
  readonly size: number;
  /** For `throwsOurs`. */
  readonly code: ErrorCode;
}

/** What a handler that runs there may be asked for. */
export function actsFor(isolation: Isolation, isStray: boolean): readonly ActName[] {
  return NAMES.filter((name) => {
    const { where, isStray: strays = false } = ACTS[name];
    return (where === undefined || where.includes(isolation)) && (isStray || !strays);
  });
}

/** Most padding is short; some is as long as it may be. */
export function errandFor(act: ActName, random: Random): Errand {
  const { ms = [0, 0], size = 0 } = ACTS[act];
  const most = random.chance(0.9) ? Math.min(size, 200) : size;
  return { act, ms: random.between(ms[0], ms[1]), size: random.between(0, most), code: random.pick(ERRORS) };
}

export function weightsOf(acts: readonly ActName[]): Partial<Record<ActName, number>> {
  return Object.fromEntries(acts.map((act) => [act, ACTS[act].weight]));
}

/** What the act itself may end with. */
export function endsOf({ act, code }: Errand): readonly Code[] {
  return ACTS[act].ends.map((end) => (end === "asked" ? code : end));
}

/** Whether a call of it has ended as it should. @param ends by act and place, then by code */
export function wasSeen(act: ActName, place: string, ends: Readonly<Record<string, Record<string, number>>>): boolean {
  const codes = Object.keys(ends[`${act} ${place}`] ?? {});
  return codes.some((code) => ACTS[act].ends.some((end) => end === "asked" || end === code));
}
