/**
 * How everything here is run: by fast-check, another seed each time. FUZZ_SEED repeats a run, and FUZZ_RUNS makes it that
 * many times as long.
 */
import fc from "fast-check";

export const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

const times = Number(process.env.FUZZ_RUNS ?? 1);

/** What a default run may take is a few milliseconds; a long one takes as long as it was asked to. */
export const TIMEOUT_MS = Math.max(15_000, 15_000 * times);

const again = `FUZZ_SEED=${seed}${times === 1 ? "" : ` FUZZ_RUNS=${times}`} repeats this run`;

/** Fails with the smallest example that is found, and with what repeats the run. */
export function fuzz<Ts>(property: fc.IProperty<Ts>, runs: number): void {
  expectGood(fc.check(property, { seed, numRuns: Math.ceil(runs * times) }));
}

/** As {@link fuzz}, for what takes time. */
export async function fuzzAsync<Ts>(property: fc.IAsyncProperty<Ts>, runs: number): Promise<void> {
  expectGood(await fc.check(property, { seed, numRuns: Math.ceil(runs * times) }));
}

function expectGood<Ts>(told: fc.RunDetails<Ts>): void {
  if (!told.failed) return;
  const report = (fc.defaultReportMessage(told) ?? "").replaceAll(/Buffer\.from\(\[([\d,]*)\]\)/g, inHex);
  throw new Error(`${again}\n${report}`, { cause: told.errorInstance });
}

/** As the corpus has it. */
function inHex(_: string, numbers: string): string {
  return `Buffer ${Buffer.from(numbers.split(",").map(Number)).toString("hex")}`;
}
