/** Requests as they end, for who looks at the page: a few of each second, failures first. Nothing while nobody looks. */
import type { Call, CallHook, Durations, Outcome, Source } from "../../core/call.ts";
import { bytesOf } from "../../wire/limits.ts";
import type { PageTick, TailEntry } from "../../wire/page.ts";
import { shorten } from "../../wording.ts";
import { excerptOf } from "./excerpt.ts";

export interface Tail {
  readonly hook: CallHook;
  /** Begins, or ends; what was not taken is forgotten then. */
  watch(on: boolean): void;
  /** What ended since it was last asked. */
  take(): Pick<PageTick, "tail" | "unshown">;
}

/** Of the time from one `take` to the next. */
const MOST_ENTRIES = 40;

/** @param showsPayloads asked for each request that is shown */
export function createTail(showsPayloads: () => boolean): Tail {
  let isOn = false;
  let lastId = 0;
  let successes: TailEntry[] = [];
  let failures: TailEntry[] = [];
  let unshown = 0;

  function end(outcome: Outcome, durations: Durations, source: Source, call?: Call): void {
    if (!isOn) return;
    const entries = outcome.code === "ok" ? successes : failures;
    if (entries.length === MOST_ENTRIES) unshown++;
    else entries.push(entryOf(++lastId, outcome, durations, source, showsPayloads(), call));
  }

  function forget(): void {
    successes = [];
    failures = [];
    unshown = 0;
  }

  return {
    hook: { end },
    watch(on) {
      isOn = on;
      forget();
    },
    take() {
      const shown = successes.slice(0, MOST_ENTRIES - failures.length);
      const tail = [...failures, ...shown].sort((one, other) => one.id - other.id);
      const taken = { tail, unshown: unshown + successes.length - shown.length };
      forget();
      return taken;
    },
  };
}

/** Texts and numbers alone: it holds no body, and no part of one that is not copied. */
function entryOf(
  id: number,
  outcome: Outcome,
  { totalMs, waitedMs }: Durations,
  { endpoint, transport }: Source,
  withPayloads: boolean,
  call?: Call,
): TailEntry {
  const isOk = outcome.code === "ok";
  const requestId = isOk ? call?.metadata["request-id"] : outcome.details.requestId;
  return {
    id,
    at: Date.now(),
    endpoint,
    ...(call !== undefined && { handler: shorten(call.handler), codec: shorten(call.codec) }),
    transport,
    code: outcome.code,
    ms: rounded(totalMs),
    waitedMs: rounded(waitedMs),
    received: call === undefined ? 0 : bytesOf(call.body),
    sent: isOk ? bytesOf(outcome.body) : 0,
    ...(typeof requestId === "string" && { requestId }),
    // It quotes what the caller sent, at times.
    ...(!isOk && withPayloads && { message: shorten(outcome.message, 200) }),
    ...(withPayloads && call !== undefined && { request: excerptOf(call.body) }),
    ...(withPayloads && isOk && { reply: excerptOf(outcome.body) }),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
