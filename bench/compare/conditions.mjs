/** On what figures were taken, and beside what. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { root } from "../figures.mjs";

const PEERS = `${root}bench/peers`;

const readJson = async (path) => JSON.parse(await readFile(path, "utf8"));

/** The version of the nats-server that is installed, which npm has none of; undefined if there is none. */
export function natsServer() {
  try {
    return /\d+(\.\d+)+/.exec(execFileSync("nats-server", ["--version"], { encoding: "utf8" }))?.[0];
  } catch {
    return undefined;
  }
}

/** Installs the peers unless what their lock file asks for is there. Gives what is compared with its versions. */
export async function installPeers(say) {
  const { dependencies } = await readJson(`${PEERS}/package.json`);
  const installed = Object.entries(dependencies).map(([name, version]) =>
    readJson(`${PEERS}/node_modules/${name}/package.json`).then(
      (found) => found.version === version,
      () => false,
    ),
  );
  if ((await Promise.all(installed)).includes(false)) {
    say("npm ci in bench/peers");
    execFileSync("npm", ["ci", "--ignore-scripts", "--silent"], { cwd: PEERS, stdio: "inherit" });
  }
  const own = await readJson(`${root}package.json`);
  return { zmqecho: own.version, zeromq: own.dependencies.zeromq, ...dependencies, "nats-server": natsServer() };
}

/** The machine's processor time so far, and this process's with all children that have ended, in clock ticks. */
async function ticks() {
  const [machine = ""] = (await readFile("/proc/stat", "utf8")).split("\n");
  const [user, nice, system, idle, iowait, irq, softirq, steal] = machine.split(/\s+/).slice(1).map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  const own = (await readFile("/proc/self/stat", "utf8")).split(") ")[1].split(" ").slice(11, 15).map(Number);
  return { all: busy + idle + iowait, busy, own: own.reduce((sum, time) => sum + time, 0) };
}

/** Call it before; what it gives, call after all children have ended: what was there, as a list in Markdown. */
export async function noteConditions(versions) {
  const [load] = loadavg();
  const before = await ticks();
  return async () => {
    const after = await ticks();
    const others = (after.busy - before.busy - (after.own - before.own)) / (after.all - before.all);
    const named = Object.entries(versions).filter(([, version]) => version !== undefined);
    const memory = Math.round(totalmem() / 1024 ** 3);
    return [
      `- **When**: ${new Date().toISOString().slice(0, 10)}. The load average was ${load.toFixed(1)} before; others took ${Math.max(0, Math.round(others * 100))} % of the processors during the run`,
      `- **Where**: ${cpus()[0].model.trim()}, ${cpus().length} cores, ${memory} GiB, Linux ${release()}, Node ${process.version}`,
      `- **What**: ${named.map(([name, version]) => `${name} ${version}`).join(", ")}`,
    ].join("\n");
  };
}
