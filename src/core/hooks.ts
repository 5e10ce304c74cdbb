/** Tells hooks about every call. One that throws is reported, and its call goes on. */
import { type Around, runOnce } from "../tracing/harmless.ts";
import type { Call, CallHook, Durations, Outcome, Source } from "./call.ts";

export interface Hooks {
  /** Absent if no hook wants to be told. */
  readonly started: ((call: Call) => void) | undefined;
  /** What `run` returns or throws; it is called once, within what the hooks put around it. Absent if none puts anything there. */
  readonly around: (<T>(call: Call, run: () => T) => T) | undefined;
  failed(call: Call, error: Error): void;
  ended(outcome: Outcome, durations: Durations, source: Source, call?: Call): void;
}

/** Undefined if nobody wants to be told: then there is nothing on the way of a call. */
export function createHooks(hooks: readonly CallHook[], onFailure: (error: unknown) => void): Hooks | undefined {
  if (hooks.length === 0) return undefined;
  const wrappers = hooks.filter(({ around }) => around !== undefined);

  function tell(tellOne: (hook: CallHook) => void): void {
    for (const hook of hooks) {
      try {
        tellOne(hook);
      } catch (error) {
        onFailure(error);
      }
    }
  }

  function around<T>(call: Call, run: () => T): T {
    let wrapped = run;
    for (const hook of wrappers) {
      const inner = wrapped;
      const one: Around = (once) => hook.around?.(call, once);
      wrapped = () => runOnce(one, inner, onFailure);
    }
    return wrapped();
  }

  return {
    started: hooks.some(({ start }) => start !== undefined) ? (call) => tell((hook) => hook.start?.(call)) : undefined,
    around: wrappers.length > 0 ? around : undefined,
    failed: (call, error) => tell((hook) => hook.failed?.(call, error)),
    ended: (outcome, durations, source, call) => tell((hook) => hook.end?.(outcome, durations, source, call)),
  };
}
