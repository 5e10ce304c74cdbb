/** Why a worker is gone, as an error for the log. */
import { textOf } from "../../errors.ts";
import { firstLine } from "../../wording.ts";
import { errorFromData } from "../link/error-data.ts";
import type { Ending } from "../link/link.ts";
import type { FromWorker } from "../link/messages.ts";

/** What a worker said of an error that nobody caught. */
export type LastWords = Extract<FromWorker, { readonly kind: "dying" }>;

/**
 * One line, and for an error that nobody caught that error as its cause.
 * @param who what the line begins with
 */
export function lossFrom(who: string, { how, cause }: Ending, lastWords: LastWords | undefined): Error {
  if (lastWords === undefined) return new Error(`${who} ${how}`, cause === undefined ? {} : { cause });
  const { error, origin } = lastWords;
  const thrown = errorFromData(error);
  const what = origin === "unhandledRejection" ? "a rejection that nobody handled" : "an error that nobody caught";
  return new Error(`${who} died of ${what}: ${firstLine(textOf(thrown))}`, { cause: thrown });
}
