/**
 * Every request gets exactly one reply, its own, whatever its handler does and whatever is edited meanwhile.
 *
 * A real host, a crowd of real sockets, and an editor, for half a minute: CHAOS_SECONDS or CHAOS_REQUESTS make it longer,
 * CHAOS_SEED repeats the choices of a run (not its timing).
 */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { ACTS, type ActName, actsFor } from "./acts.ts";
import { createEditor } from "./editor.ts";
import { startHost } from "./host.ts";
import { createLedger } from "./ledger.ts";
import { createLoad } from "./load.ts";
import { createProbe } from "./probe.ts";
import { createQuiet } from "./quiet.ts";
import { createRandom } from "./random.ts";
import { createComposer } from "./requests.ts";
import { createSite } from "./site.ts";
import { commandOf } from "./system.ts";
import { takeTour } from "./tour.ts";

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const requests = Number(process.env.CHAOS_REQUESTS ?? 0);
const seconds = Number(process.env.CHAOS_SECONDS ?? (requests > 0 ? 3600 : 26));

/** Between two quiet points. */
const STRETCH_MS = 13_000;
const WARM_UP_MS = 4_000;
const LAST_STRETCH_MS = 1_500;
/** Grace, and what an end in order takes beside it. */
const STOPPED_MS = 15_000;

test("every request gets exactly one reply, its own", { timeout: (seconds * 2 + 120) * 1000 }, async () => {
  console.log(`chaos with CHAOS_SEED=${seed}`);
  const random = createRandom(seed);
  const site = await createSite();
  const ledger = createLedger();
  const host = await startHost(site.folder, site.endpoints.length + 1);
  let isStopping = false;
  void host.ended.then((how) => {
    if (!isStopping) ledger.fault(`the host ended by itself: ${how}`);
  });
  const addressesOf = (name: string) =>
    host.addressesOf(name).map((address) => address.replace("ipc://./", `ipc://${site.folder}/`));
  const [probeAddress = "", address = ""] = ["probe", "all"].map((name) => addressesOf(name)[0]);
  const composer = await createComposer(site, ledger);
  const probe = await createProbe(site, probeAddress);
  const editor = createEditor(site, probe, random.fork("editor"), {
    hangUp: () => host.signal("SIGHUP"),
    fault: ledger.fault,
  });
  const load = createLoad({ site, ledger, composer, random: random.fork("load"), addressesOf });
  const quiet = createQuiet({ host, probe, ledger });

  /** What is under way may go on for a moment after the first fault: there may be more to see. */
  async function orFail<T>(work: Promise<T>): Promise<T> {
    const failure = ledger.failed.then(async () => {
      await delay(500);
      throw new Error(
        [
          `chaos failed with CHAOS_SEED=${seed}, after ${ledger.counts.asked} requests:`,
          ...ledger.faults.map((text) => `- ${text}`),
          `the last edits:\n${editor.last()}`,
          `the last lines of the host's log:\n${host.log.last(40)}`,
        ].join("\n"),
      );
    });
    const result = await Promise.race([work, failure]);
    failure.catch(() => {});
    return result;
  }

  async function stretch(ms: number): Promise<void> {
    const stopEditing = editor.start();
    load.go();
    await orFail(delay(ms));
    await orFail(stopEditing());
    await orFail(load.rest());
  }

  await orFail(takeTour(site, { ledger, composer, random: random.fork("tour"), address }));
  await stretch(WARM_UP_MS);
  await orFail(quiet.look());
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end && (requests === 0 || ledger.counts.asked < requests)) {
    await stretch(Math.min(STRETCH_MS, Math.max(1000, end - performance.now())));
    await orFail(quiet.look());
  }

  // And the end, in the midst of it all.
  load.go();
  await orFail(delay(LAST_STRETCH_MS));
  isStopping = true;
  for (const { state } of site.endpoints) state.begin("open", "moving");
  load.shut();
  host.signal("SIGTERM");
  await orFail(load.rest());
  const how = await orFail(Promise.race([host.ended, delay(STOPPED_MS, "not at all")]));
  load.close();
  probe.close();
  for (const line of host.log.strange) ledger.fault(`the log has a line that nobody expected: ${line}`);
  expect(how, host.log.last(20)).toBe("exit 0");
  expect(host.family().map(commandOf), "what is left of it").toEqual([]);
  expect(unseenActs(ledger.counts.ends), "acts that never ended as they usually do").toEqual([]);
  console.log(quiet.report(editor.counts));
  await orFail(Promise.resolve());
});

function unseenActs(ends: Readonly<Record<string, Record<string, number>>>): string[] {
  const places = ["inline", "thread", "process"] as const;
  const all = places.flatMap((place) => actsFor(place, true).map((act): [string, ActName] => [`${act} ${place}`, act]));
  return all
    .filter(([key, act]) => {
      const seen = Object.keys(ends[key] ?? {});
      return !seen.some((code) => ACTS[act].ends.some((end) => end === "asked" || end === code));
    })
    .map(([key]) => key);
}
