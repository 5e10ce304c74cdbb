/**
 * Every request gets exactly one reply, its own, whatever its handler does and whatever is edited meanwhile.
 *
 * A real host, a crowd of real sockets, and an editor, for a good half a minute. CHAOS_SECONDS or CHAOS_REQUESTS make it
 * longer, CHAOS_SEED repeats the choices of a run (not its timing), CHAOS_LOG names a file for all of the host's log.
 */
import { expect, test } from "vitest";
import { actsFor, wasSeen } from "./acts.ts";
import { setStage } from "./stage.ts";
import { commandOf } from "./system.ts";

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const requests = Number(process.env.CHAOS_REQUESTS ?? 0);
const seconds = Number(process.env.CHAOS_SECONDS ?? (requests > 0 ? 3600 : 20));

const WARM_UP_MS = 3_000;
/** Between two quiet points. */
const STRETCH_MS = 10_000;
const LAST_STRETCH_MS = 1_500;
/** For all but those, on a machine that is busy with other things too. */
const MORE_MS = 180_000;

test("every request gets exactly one reply, its own", { timeout: seconds * 2000 + MORE_MS }, async () => {
  console.log(`chaos with CHAOS_SEED=${seed}`);
  const { ledger, host, unlessFaulty, ...stage } = await setStage(seed);
  await unlessFaulty(stage.tour());
  await unlessFaulty(stage.stretch(WARM_UP_MS));
  await unlessFaulty(stage.look());

  const end = performance.now() + seconds * 1000;
  for (let left = seconds * 1000; left > 0; left = end - performance.now()) {
    await unlessFaulty(stage.stretch(Math.min(STRETCH_MS, left)));
    await unlessFaulty(stage.look());
    if (requests > 0 && ledger.counts.asked >= requests) break;
  }

  const how = await unlessFaulty(stage.stop(LAST_STRETCH_MS, "SIGTERM"));
  console.log(stage.report());
  expect(how, host.log.last(20)).toBe("exit 0");
  expect(host.family().map(commandOf), "what is left of it").toEqual([]);
  expect(unseenActs(ledger.counts.ends), "acts that never ended as they should").toEqual([]);
});

function unseenActs(ends: Readonly<Record<string, Record<string, number>>>): string[] {
  const places = ["inline", "thread", "process"] as const;
  return places.flatMap((place) =>
    actsFor(place, true)
      .filter((act) => !wasSeen(act, place, ends))
      .map((act) => `${act} ${place}`),
  );
}
