/** A bar on a terminal that shows how far a long command has come. */
import { countText } from "../bench/numbers.ts";
import type { Run } from "../bench/run.ts";

const EVERY_MS = 100;

/** Draws on standard error if that is a terminal. The result takes the bar away. */
export async function showProgress(run: Run): Promise<() => void> {
  if (!process.stderr.isTTY) return () => {};
  const { default: progress } = await import("cli-progress");
  const bar = new progress.SingleBar({
    format: "{bar} {percentage} %  {ok} succeeded, {failed} failed",
    stream: process.stderr,
    // A cursor that was hidden stays so if the process is killed.
    hideCursor: null,
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
