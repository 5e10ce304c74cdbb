/** What a host says in its log of what it found on the disk: what is wrong, once while it is so, and what is different. */
import type { Survey } from "./assemble.ts";
import { formatProblem, textOf } from "./errors.ts";
import type { Log } from "./handler.ts";
import type { HandlerChanges } from "./loader/registry.ts";
import { listed } from "./wording.ts";

export interface Found {
  readonly survey: Survey;
  /** Why what is there of the configuration can't be used, and the one in effect goes on. */
  readonly refusal?: unknown;
}

export interface ReloadLog {
  /** Reloads that changed something, and those that found something newly wrong. */
  readonly counts: { readonly done: number; readonly failed: number };
  /** Whether something is wrong that was not when it was last told. */
  isWorse(found: Found): boolean;
  /** Tells what is wrong: each when it is new, and again only after it was gone. True if something was told. */
  complain(found: Found): boolean;
  /** Tells all of a reload, and counts it. */
  tell(found: Found, changes: HandlerChanges, isNewConfig: boolean): void;
}

export function createReloadLog(log: Log): ReloadLog {
  const counts = { done: 0, failed: 0 };
  /** What has been complained of and is still so. */
  let complaints: ReadonlySet<string> = new Set();

  function freshIn(texts: ReadonlySet<string>): string[] {
    return [...texts].filter((text) => !complaints.has(text));
  }

  function complain(found: Found): boolean {
    const texts = complaintsOf(found);
    const fresh = freshIn(texts);
    for (const text of fresh) log.error(text);
    complaints = texts;
    return fresh.length > 0;
  }

  function tell(found: Found, { renewed, gone, failed }: HandlerChanges, isNewConfig: boolean): void {
    if (complain(found) || failed.length > 0) counts.failed++;
    const { changedCodecs } = found.survey.assembly;
    const parts = [
      ...(isNewConfig ? ["the configuration"] : []),
      ...named("handler", renewed),
      ...named("codec", changedCodecs),
    ];
    const texts = [
      ...(parts.length > 0 ? [`reloaded ${parts.join(", ")}`] : []),
      ...named("handler", gone).map((text) => `${text} ${gone.length === 1 ? "is" : "are"} gone`),
    ];
    if (texts.length === 0) return;
    counts.done++;
    log.info(texts.join("; "));
  }

  return { counts, isWorse: (found) => freshIn(complaintsOf(found)).length > 0, complain, tell };
}

/** `handler a`, `handlers a and b`, or nothing. */
function named(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}${names.length === 1 ? "" : "s"} ${listed(names)}`];
}

/** All that is wrong and does not stop the rest. */
function complaintsOf({ survey: { assembly, problems, setbacks }, refusal }: Found): Set<string> {
  const plugins = assembly.broken.map(({ name, message, ...place }) => {
    const goesOn = assembly.handlers.has(name) ? "; its last version that did goes on" : "";
    return `plugin ${name} does not load: ${formatProblem({ ...place, message })}${goesOn}`;
  });
  const unusable =
    refusal === undefined
      ? []
      : [`the configuration can't be used, and what is served stays as it was: ${textOf(refusal)}`];
  return new Set([...unusable, ...plugins, ...setbacks.map(formatProblem), ...problems.map(formatProblem)]);
}
