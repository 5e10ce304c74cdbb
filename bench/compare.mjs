/**
 * zmqecho beside a bare loop and beside others that do as much, and over sizes and numbers of clients:
 * `node bench/compare.mjs [--quick] [--only NAMES]`. A full run takes some eight minutes and writes the tables of
 * docs/performance.md. One that is quick, or of some NAMES only (`echo`, `payload`, `clients`, or a kind of echo as in
 * compare/kinds.mjs, separated by commas), prints them and leaves the page as it is. Linux only: processor time is read from /proc.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { installPeers, natsServer, noteConditions } from "./compare/conditions.mjs";
import { echoKinds, rawKinds } from "./compare/kinds.mjs";
import { measure } from "./compare/rounds.mjs";
import { clientsTable, echoTable, sizesTable } from "./compare/tables.mjs";
import { root } from "./figures.mjs";

const PAGE = `${root}docs/performance.md`;
const KIB = 1024;

const SIZES = {
  "64 B": 64,
  "1 KiB": KIB,
  "16 KiB": 16 * KIB,
  "256 KiB": 256 * KIB,
  "1 MiB": KIB * KIB,
  "4 MiB": 4096 * KIB,
};
/** Of 4 MiB so many are 64 MiB each way: enough to be busy, and bounded. */
const SIZES_IN_FLIGHT = 16;
const CLIENTS = [1, 10, 100, 1000];
const CLIENTS_BYTES = 64;
/** In the process of the clients, with room to spare: a connection, and what libzmq needs to wake a socket. */
const FILES_PER_CLIENT = 4;

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, only: { type: "string" } } });
const parts = ["echo", "payload", "clients"];
const only = values.only?.split(",") ?? parts;
for (const name of only) {
  if (parts.includes(name) || name in echoKinds) continue;
  console.error(`${name} is none of ${[...parts, ...Object.keys(echoKinds)].join(", ")}`);
  process.exit(2);
}
const full = !values.quick && values.only === undefined;
const echo = values.quick ? { rounds: 3, ms: 300 } : { rounds: 21, ms: 500 };
const sweep = values.quick ? { rounds: 3, ms: 300 } : { rounds: 13, ms: 500 };

const say = (text) => console.error(`${new Date().toTimeString().slice(0, 8)} ${text}`);
const often = ({ rounds, ms }) => `${rounds} rounds of ${ms / 1000} s for each row.`;

async function compareEchoes() {
  const asked = ([name], index) => index === 0 || only.includes("echo") || only.includes(name);
  const entries = Object.entries(echoKinds).filter(asked);
  const present = entries.filter(([name]) => name !== "nats" || natsServer() !== undefined);
  if (present.length < entries.length) say("no nats-server, so NATS is left out; Debian: apt-get install nats-server");
  say(`echo: ${present.map(([name]) => name).join(", ")}`);
  const found = await measure({ kinds: Object.fromEntries(present), loads: [64, 1], ...echo });
  const tables = [64, 1].map((inFlight) => {
    const rows = entries.map(([name, { title }]) => {
      const rounds = found.find((entry) => entry.kind === name && entry.inFlight === inFlight)?.rounds;
      return { title, rounds, absent: "no nats-server" };
    });
    return `### Echo, ${inFlight} in flight\n\n${often(echo)}\n\n${echoTable(rows, { latency: inFlight === 1 })}`;
  });
  return tables.join("\n\n");
}

async function pair(client, bytes, inFlight) {
  const found = await measure({ kinds: rawKinds(client, bytes), loads: [inFlight], ...sweep });
  return Object.fromEntries(found.map(({ kind, rounds }) => [kind, rounds]));
}

/** The bare loop leaves its collections to V8, as people do. The host asks for its own, so with large bodies it can be the quicker one. */
async function compareSizes() {
  const rows = [];
  for (const [title, bytes] of Object.entries(SIZES)) {
    say(`payload: ${title}`);
    rows.push({ title, bytes, ...(await pair("bare raw", bytes, SIZES_IN_FLIGHT)) });
  }
  return `### By size\n\n${SIZES_IN_FLIGHT} in flight. ${often(sweep)}\n\n${sizesTable(rows)}`;
}

async function compareClients() {
  const [, files = "0"] = /^Max open files\s+(\d+)/m.exec(await readFile("/proc/self/limits", "utf8")) ?? [];
  const rows = [];
  for (const clients of CLIENTS) {
    say(`clients: ${clients}`);
    const fits = clients * FILES_PER_CLIENT <= Number(files);
    const figures = fits ? await pair("req", CLIENTS_BYTES, clients) : { absent: `only ${files} open files` };
    rows.push({ title: String(clients), ...figures });
  }
  return `### By clients\n\n${CLIENTS_BYTES} bytes. ${often(sweep)}\n\n${clientsTable(rows)}`;
}

const versions = await installPeers(say);
const conditions = await noteConditions(versions);
const sections = [];
if (only.some((name) => name === "echo" || name in echoKinds)) sections.push(await compareEchoes());
if (only.includes("payload")) sections.push(await compareSizes());
if (only.includes("clients")) sections.push(await compareClients());
const figures = [await conditions(), ...sections].join("\n\n");
console.log(figures);
if (full) {
  const [before, , after] = (await readFile(PAGE, "utf8")).split(
    /(?<=<!-- figures -->\n)(.*)(?=<!-- end of figures -->)/s,
  );
  if (after === undefined) throw new Error(`${PAGE} has no place for figures`);
  await writeFile(PAGE, `${before}\n${figures}\n\n${after}`);
  say("docs/performance.md has these figures now");
}
