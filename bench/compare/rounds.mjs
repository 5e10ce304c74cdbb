/** Servers and their clients as processes, loaded in turn. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { cpuTime, freeAddress, root } from "../figures.mjs";
import { end, startCommand, watch } from "../processes.mjs";

/** What a client may take longer than it was told. */
const LATE_MS = 30_000;
/** So many times longer is the first round, in which compilers see what is asked of them. */
const WARM_UP = 3;

async function startClient(client, options, servers) {
  const args = [client, JSON.stringify(options)];
  const stdio = ["ignore", "ignore", "pipe", "ipc"];
  const driver = watch(fork(`${root}bench/compare/drive.mjs`, args, { cwd: root, stdio }), `client ${client}`);
  await told(driver, servers, LATE_MS);
  return driver;
}

/** The next message of a client, or the error with which it or one of its servers ended. */
async function told({ child, ended }, servers, withinMs) {
  const signal = AbortSignal.timeout(withinMs);
  const failures = servers.map((server) => server.ended);
  const message = await Promise.race([once(child, "message", { signal }), ended, ...failures]);
  if (message instanceof Error) throw message;
  return message[0];
}

const cpuTimeOf = async (processes) => {
  const times = await Promise.all(processes.map(({ child }) => cpuTime(child.pid)));
  return times.reduce((sum, time) => sum + time, 0);
};

/**
 * Loads each of `kinds`, `{ serve, client, bytes? }` by name, one after the other in every round, and each with so many
 * calls in flight as `loads` lists. Gives a list of `{ kind, inFlight, rounds }`; a round is `{ rate, serverUs, clientUs }`:
 * calls a second, and microseconds of processor time per call. The first round warms up and is left out; each begins
 * with another kind.
 */
export async function measure({ kinds, loads, rounds, ms }) {
  const started = [];
  try {
    const pairs = [];
    for (const [kind, { serve, client, bytes }] of Object.entries(kinds)) {
      const addresses = { address: await freeAddress(), clientAddress: await freeAddress() };
      const servers = serve(addresses).map((command) => startCommand(command));
      started.push(...servers);
      const driver = await startClient(client, { ...addresses, bytes, lanes: Math.max(...loads) }, servers);
      started.push(driver);
      pairs.push({ kind, servers, driver, figures: new Map(loads.map((inFlight) => [inFlight, []])) });
    }
    for (let round = 0; round <= rounds; round++) {
      for (const inFlight of loads) {
        for (let turn = 0; turn < pairs.length; turn++) {
          const { servers, driver, figures } = pairs[(turn + round) % pairs.length];
          const figure = await load(servers, driver, { inFlight, ms: round === 0 ? ms * WARM_UP : ms });
          if (round > 0) figures.get(inFlight).push(figure);
        }
      }
    }
    return pairs.flatMap(({ kind, figures }) =>
      [...figures].map(([inFlight, list]) => ({ kind, inFlight, rounds: list })),
    );
  } finally {
    await Promise.all(started.map(end));
  }
}

async function load(servers, driver, { inFlight, ms }) {
  const serverFrom = await cpuTimeOf(servers);
  const clientFrom = await cpuTimeOf([driver]);
  driver.child.send({ inFlight, ms });
  const { calls, tookMs } = await told(driver, servers, ms + LATE_MS);
  const serverUs = ((await cpuTimeOf(servers)) - serverFrom) / calls / 1000;
  const clientUs = ((await cpuTimeOf([driver])) - clientFrom) / calls / 1000;
  return { rate: (calls * 1000) / tookMs, serverUs, clientUs };
}
