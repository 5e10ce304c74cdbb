/** Tells hooks about every call. One that throws is reported, and its call goes on. */
import type { Call, CallHook, Durations, Outcome, Source } from "./call.ts";

export interface Hooks {
  started(call: Call): void;
  ended(outcome: Outcome, durations: Durations, source: Source, call?: Call): void;
}

/** Undefined if nobody wants to be told: then there is nothing on the way of a call. */
export function createHooks(hooks: readonly CallHook[], onFailure: (error: unknown) => void): Hooks | undefined {
  if (hooks.length === 0) return undefined;

  function tell(tellOne: (hook: CallHook) => void): void {
    for (const hook of hooks) {
      try {
        tellOne(hook);
      } catch (error) {
        onFailure(error);
      }
    }
  }

  return {
    started: (call) => tell((hook) => hook.start?.(call)),
    ended: (outcome, durations, source, call) => tell((hook) => hook.end?.(outcome, durations, source, call)),
  };
}
