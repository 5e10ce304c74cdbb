/** Tells hooks about every call of a core. */
import type { Call, CallHook, Core, Outcome } from "./call.ts";

/** The core itself if nobody watches: nothing on the way of a call then. A hook that throws is reported, and its call goes on. */
export function observe(core: Core, hooks: readonly CallHook[], onHookFailure: (error: unknown) => void): Core {
  if (hooks.length === 0) return core;

  function tell(tellOne: (hook: CallHook) => void): void {
    for (const hook of hooks) {
      try {
        tellOne(hook);
      } catch (error) {
        onHookFailure(error);
      }
    }
  }

  function ended(outcome: Outcome, call: Call): Outcome {
    const durationMs = performance.now() - call.receivedAt;
    tell((hook) => hook.end?.(outcome, durationMs, call.source, call));
    return outcome;
  }

  return {
    ...core,
    call(call) {
      tell((hook) => hook.start?.(call));
      const outcome = core.call(call);
      return outcome instanceof Promise ? outcome.then((settled) => ended(settled, call)) : ended(outcome, call);
    },
    refuse(error, source) {
      const failure = core.refuse(error, source);
      tell((hook) => hook.end?.(failure, 0, source));
      return failure;
    },
  };
}
