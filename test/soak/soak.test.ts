/**
 * A bounded load over all codecs for a long time, while plugins and configuration are edited and clients leave, come again and are killed. It
 * fails on a reply that is lost, doubled or somebody else's, and if the host is larger or slower at the end than it was after the first
 * minute. Ten minutes; SOAK_SECONDS makes it shorter or longer, with a sixth of it, a minute at most, for each stretch.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { serve } from "../processes.ts";
import { type Asker, createAsker, type Question } from "./asker.ts";
import { createFigures, HEAD, rowOf, type Stretch, worse } from "./figures.ts";
import { namedQuestions, plainQuestions } from "./questions.ts";
import { createSite } from "./site.ts";

const seconds = Number(process.env.SOAK_SECONDS ?? 600);
const stretchMs = Math.min(60, seconds / 6) * 1000;
/** A host is still growing when it is young, however long the soak. */
const warmUpMs = Math.max(stretchMs, Math.min(20, seconds / 3) * 1000);

const PER_SECOND = 60;
const LOOK_MS = 500;
const EDIT_PLUGINS_MS = 5000;
const EDIT_CONFIG_MS = 7000;
const KILL_MS = 8000;
const MOST_FAULTS = 20;

const BIN = fileURLToPath(new URL("../../dist/bin.js", import.meta.url));

test("a long time", { timeout: seconds * 1500 + 60_000 }, async () => {
  const site = createSite();
  const host = await serve([], {
    cwd: site.folder,
    addresses: site.endpoints.length,
    // As docs/operations.md has it.
    env: { MALLOC_TRIM_THRESHOLD_: "131072" },
  });
  const addressOf = (endpoint: string): string => host.addresses[site.endpoints.indexOf(endpoint)] ?? "";
  const figures = createFigures(host.pid);
  const faults: string[] = [];
  const fault = (text: string): void => void (faults.length < MOST_FAULTS && faults.push(text));

  const kinds: readonly (readonly [string, string, (number: number) => Question])[] = [
    ...(["raw", "json", "cbor", "msgpack", "protobuf"] as const).map(
      (codec) => [codec, "byName", namedQuestions("mirror", codec)] as const,
    ),
    ["a thread", "byName", namedQuestions("walled", "cbor")],
    ["lock-step", "lockStep", plainQuestions("json")],
    ["plain raw", "raw", plainQuestions("raw")],
  ];
  const askers = kinds.map(([name, endpoint, question]): Asker => {
    const { answered } = figures;
    return createAsker({ name, address: addressOf(endpoint), perSecond: PER_SECOND, question, fault, answered });
  });

  const counts = { pluginEdits: 0, configEdits: 0, killed: 0 };
  const timers = [
    every(LOOK_MS, figures.look),
    every(EDIT_PLUGINS_MS, () => {
      site.editPlugins();
      counts.pluginEdits++;
    }),
    every(EDIT_CONFIG_MS, () => {
      site.editConfig();
      counts.configEdits++;
    }),
    every(KILL_MS, () => {
      customer.kill("SIGKILL");
      counts.killed++;
      customer = startCustomer(addressOf("byName"));
    }),
  ];
  let customer = startCustomer(addressOf("byName"));
  onTestFinished(() => void customer.kill("SIGKILL"));

  const running = Promise.all(askers.map((asker) => asker.run()));
  const stretches: Stretch[] = [];
  const cut = (): void => {
    const stretch = figures.cut();
    stretches.push(stretch);
    console.log(rowOf(stretch));
  };
  console.log(HEAD);
  const start = performance.now();
  await passed(warmUpMs);
  cut();
  for (let left = seconds * 1000 - (performance.now() - start); left >= stretchMs * 0.9 && faults.length === 0; ) {
    await passed(Math.min(stretchMs, left));
    cut();
    left = seconds * 1000 - (performance.now() - start);
  }
  timers.forEach(clearInterval);
  for (const asker of askers) asker.stop();
  await running;
  customer.kill("SIGKILL");
  const { code, stderr } = await host.stop();

  const asked = askers.reduce((sum, asker) => sum + asker.asked, 0);
  const abandoned = askers.reduce((sum, asker) => sum + asker.abandoned, 0);
  const answered = stretches.reduce((sum, { replies }) => sum + replies, 0);
  console.log(`${asked} requests, ${abandoned} left behind by their clients; ${JSON.stringify(counts)}`);
  const complaints = stderr.split("\n").filter((line) => /"level":"(warn|error)"/.test(line));
  expect(faults).toEqual([]);
  expect(complaints).toEqual([]);
  expect(answered).toBeGreaterThan(seconds * PER_SECOND);
  const [, first, ...rest] = stretches;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) throw new Error("too short to tell");
  expect(worse(first, last)).toEqual([]);
  expect(code).toBe(0);
});

function every(ms: number, work: () => void): NodeJS.Timeout {
  const timer = setInterval(work, ms);
  onTestFinished(() => clearInterval(timer));
  return timer;
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** A client in a process of its own, that will be killed. */
function startCustomer(address: string): ChildProcess {
  const args = ["bench", address, "--handler", "mirror", "--codec", "json", "-d", '{"a":1}', "--rate", "50", "-q"];
  return spawn(process.execPath, [BIN, ...args, "--duration", "60s"], { stdio: "ignore" });
}
