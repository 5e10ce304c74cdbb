/** Tells hooks about every call. One that throws is reported, and its call goes on. */
import { type Around, runOnce } from "../tracing/harmless.ts";
import type { Call, CallHook, Durations, Outcome, Source } from "./call.ts";

export interface Hooks {
  started(call: Call): void;
  /** What `run` returns or throws; it is called once, within what the hooks put around it. */
  around<T>(call: Call, run: () => T): T;
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

  return {
    started: (call) => tell((hook) => hook.start?.(call)),
    around(call, run) {
      let wrapped = run;
      for (const hook of wrappers) {
        const inner = wrapped;
        const around: Around = (once) => hook.around?.(call, once);
        wrapped = () => runOnce(around, inner, onFailure);
      }
      return wrapped();
    },
    failed: (call, error) => tell((hook) => hook.failed?.(call, error)),
    ended: (outcome, durations, source, call) => tell((hook) => hook.end?.(outcome, durations, source, call)),
  };
}
