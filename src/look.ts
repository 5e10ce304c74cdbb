/** Looks at the disk: what a host would serve if it followed it now. */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Assembler } from "./assemble.ts";
import type { LoadedConfig } from "./config/load.ts";
import { ConfigError } from "./errors.ts";
import type { Found } from "./reload-log.ts";

/** What a look at the disk came to. */
export interface Look extends Found {
  readonly loaded: LoadedConfig;
}

/** A file that is wrong may be half written; it gets this long before it is complained of. */
const HALF_WRITTEN_MS = 100;

/** Looks again after a moment if something is wrong that was not before. */
export async function lookTwice(
  assembler: Assembler,
  current: LoadedConfig,
  isWorse: (found: Found) => boolean,
): Promise<Look> {
  const look = await lookOnce(assembler, current);
  if (!isWorse(look)) return look;
  await delay(HALF_WRITTEN_MS);
  return lookOnce(assembler, current);
}

async function lookOnce(assembler: Assembler, current: LoadedConfig): Promise<Look> {
  try {
    const loaded = await current.reload();
    const survey = await assembler.survey(loaded);
    // What was served yesterday and is gone from the disk today is no reason to ignore what else has changed there.
    if (!isOther(loaded, current) || survey.problems.length === 0) return { loaded, survey };
    throw new ConfigError(survey.problems);
  } catch (refusal) {
    return { loaded: current, survey: await assembler.survey(current), refusal };
  }
}

export function isOther(one: LoadedConfig, other: LoadedConfig): boolean {
  return !isDeepStrictEqual(one.config, other.config);
}
