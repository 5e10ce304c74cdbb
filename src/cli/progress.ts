/** A bar on a terminal that shows how far a long command has come. */
import { countText } from "../bench/numbers.ts";
import type { Run } from "../bench/run.ts";

const EVERY_MS = 100;

/** Shows how far a run has come; what it returns takes the bar away. */
export type ShowProgress = (run: Run) => () => void;

/** Gets ready to draw on standard error if that is a terminal; to be called before there is a load that it would disturb. */
export async function prepareProgress(): Promise<ShowProgress> {
  if (!process.stderr.isTTY) return () => () => {};
  const { default: progress } = await import("cli-progress");
  return (run) => drawProgress(run, progress);
}

function drawProgress(run: Run, progress: typeof import("cli-progress")): () => void {
  const bar = new progress.SingleBar({
    format: "{bar} {percentage} %  {ok} succeeded, {failed} failed",
    stream: process.stderr,
    // A terminal whose cursor was hidden, or that was told not to wrap, stays so if the process is killed.
    hideCursor: null,
    linewrap: true,
    clearOnComplete: true,
    barCompleteChar: "█",
    barIncompleteChar: "░",
  });
  const draw = (): void => {
    const { share, ok, failed } = run.progress();
    bar.update(Math.floor(share * 100), { ok: countText(ok), failed: countText(failed) });
  };
  bar.start(100, 0, { ok: "0", failed: "0" });
  const timer = setInterval(draw, EVERY_MS);
  return () => {
    clearInterval(timer);
    bar.stop();
  };
}
