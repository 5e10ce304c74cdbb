/** The end of a process, or of a worker: what an SDK has gathered is not to be lost. */
import { tracingApi } from "./api.ts";

/** What flushing needs; the API's providers do not promise it, and the SDK's have it. */
interface Flushable {
  forceFlush?(): Promise<void>;
  getDelegate?(): Flushable;
}

/** Has the SDK export what it holds. Resolves whatever comes of it. */
export async function flushSpans(): Promise<void> {
  try {
    const provider = tracingApi()?.trace.getTracerProvider() as Flushable | undefined;
    await (provider?.getDelegate?.() ?? provider)?.forceFlush?.();
  } catch {
    // An SDK tells of its own trouble, by its `diag`.
  }
}
