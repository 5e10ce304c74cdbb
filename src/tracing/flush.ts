/** The end of a process, or of a worker: what an SDK has gathered is not to be lost. */
import { settledWithin } from "../durations.ts";
import { tracingApi } from "./api.ts";

/** A collector that does not answer must not hold up an end; an SDK itself would wait for it some ten seconds. */
const LONGEST_MS = 2_000;

/** What flushing needs; the API's providers do not promise it, and the SDK's have it. */
interface Flushable {
  forceFlush?(): Promise<void>;
  getDelegate?(): Flushable;
}

/** Has the SDK, if there is one, export what it holds. Resolves whatever comes of it, after `withinMs` at most. */
export async function flushSpans(withinMs: number): Promise<void> {
  try {
    const provider = tracingApi()?.trace.getTracerProvider() as Flushable | undefined;
    const flushed = (provider?.getDelegate?.() ?? provider)?.forceFlush?.();
    if (flushed !== undefined) await settledWithin(flushed, Math.min(withinMs, LONGEST_MS));
  } catch {
    // An SDK tells of its own trouble, by its `diag`.
  }
}
