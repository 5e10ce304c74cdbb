/** A host, the crowd that asks it, and the editor that changes it under their feet. */
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { createEditor } from "./editor.ts";
import { type ServedHost, startHost } from "./host.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createLoad } from "./load.ts";
import { createProbe } from "./probe.ts";
import { createQuiet } from "./quiet.ts";
import { createRandom } from "./random.ts";
import { createComposer } from "./requests.ts";
import { createSite } from "./site.ts";
import { takeTour } from "./tour.ts";

export interface Stage {
  readonly ledger: Ledger;
  readonly host: ServedHost;
  /** Each act once. */
  tour(): Promise<void>;
  /** Load and edits for so long, and then until all is settled. */
  stretch(ms: number): Promise<void>;
  /** Waits until the host has come to rest, and looks whether it is as it was. */
  look(): Promise<void>;
  /** Load for so long, a signal in the midst of it, and how the host ended. */
  stop(afterMs: number, signal: NodeJS.Signals): Promise<string>;
  /** What was done and what came back, in a few lines. */
  report(): string;
  /** Rejects as soon as there is a fault, with all there is to know. */
  unlessFaulty<T>(work: Promise<T>): Promise<T>;
}

/** What is under way may go on for a moment after the first fault: there may be more to see. */
const MORE_FAULTS_MS = 500;
/** What the host sent before its end may still be on the way. */
const LAST_REPLIES_MS = 500;
/** Grace, and what an end in order takes beside it. */
const STOPPED_MS = 15_000;

export async function setStage(seed: number): Promise<Stage> {
  const random = createRandom(seed);
  const site = await createSite();
  const ledger = createLedger();
  const host = await startHost(site.folder, site.endpoints.length + 1, (line) =>
    ledger.fault(`the host's log has a line that nobody expected: ${line}`),
  );
  const addressesOf = (name: string): string[] =>
    host.log.addressesOf(name).map((address) => address.replace("ipc://./", `ipc://${site.folder}/`));
  const [probeAddress = "", address = ""] = ["probe", "all"].map((name) => addressesOf(name)[0]);
  const composer = await createComposer(site, ledger);
  const probe = await createProbe(site, probeAddress, ledger.fault);
  onTestFinished(probe.close);
  const editor = createEditor(site, probe, random.fork("editor"), {
    hangUp: () => host.signal("SIGHUP"),
    fault: ledger.fault,
  });
  const load = createLoad({ site, ledger, composer, random: random.fork("load"), addressesOf });
  onTestFinished(load.close);
  const quiet = createQuiet({ host, probe, ledger });
  let isStopping = false;
  void host.ended.then(async (how) => {
    if (!isStopping) ledger.fault(`the host ended by itself: ${how}`);
    await delay(LAST_REPLIES_MS);
    ledger.abandon("and the host has ended");
  });

  const report = (): string => quiet.report(editor.counts);
  const failure = ledger.failed.then(async (): Promise<never> => {
    await delay(MORE_FAULTS_MS);
    throw new Error(
      [
        `chaos failed with CHAOS_SEED=${seed}, after ${ledger.counts.asked} requests:`,
        ...ledger.faults.map((text) => `- ${text}`),
        report(),
        `the last edits:\n${editor.last()}`,
        `the last lines of the host's log:\n${host.log.last(40)}`,
      ].join("\n"),
    );
  });
  failure.catch(() => {});

  return {
    ledger,
    host,
    tour: () => takeTour(site, { ledger, composer, random: random.fork("tour"), address }),
    async stretch(ms) {
      const stopEditing = editor.start();
      load.go();
      await delay(ms);
      await stopEditing();
      await load.rest();
    },
    look: quiet.look,
    async stop(afterMs, signal) {
      load.go();
      await delay(afterMs);
      load.shut();
      isStopping = true;
      // What is under way is owed a reply, which may be that it is over.
      for (const { state } of site.endpoints) state.begin("open", "moving");
      host.signal(signal);
      await load.rest();
      return Promise.race([host.ended, delay(STOPPED_MS, "not at all")]);
    },
    report,
    async unlessFaulty(work) {
      const result = await Promise.race([work, failure]);
      return ledger.faults.length > 0 ? failure : result;
    },
  };
}
