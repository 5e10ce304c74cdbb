/**
 * Edits plugins while a host is busy with them: no call may fail, none may be answered by a version that was not there, and
 * nothing may pile up: `node bench/reload.mjs [RELOADS] [--broken]`. With `--broken` every other edit is a syntax error,
 * and the version before it must go on. Linux only: memory, files and threads are read from /proc.
 */
import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createClient } from "../dist/index.js";
import { freeAddress, median, percentile, start, stop, zmqecho } from "./figures.mjs";

const PROMISED_MS = 300;
const PROMISED_GROWTH_MB = 30;
const MOST_MS = 2000;
const BUSY_CLIENTS = 8;
/** The growth that counts is between these two: before, everything is done for the first time. */
const [SETTLED, MEASURED] = [50, 300];

const withBroken = process.argv.includes("--broken");
const reloads = Number(process.argv.slice(2).find((argument) => argument !== "--broken") ?? 300);

const folder = await realpath(await mkdtemp(join(tmpdir(), "zmqecho-bench-")));
const address = await freeAddress();
const config = {
  plugins: ["./plugins"],
  endpoints: { all: { bind: address, handlers: ["*"], concurrency: 16 } },
};
/** 50 kB, of which every edit makes new functions. */
const parts = Array.from({ length: 650 }, (_, index) => {
  return `export function part${index}(value: number): number {\n  return (value * ${index} + ${index % 7}) % 1009;\n}\n`;
}).join("");

const check = `{
    "~standard": {
      version: 1,
      vendor: "bench",
      validate(value: unknown) {
        const isText = typeof value === "object" && value !== null && "text" in value && typeof value.text === "string";
        return isText ? { value: value as { text: string } } : { issues: [{ message: "send { text }" }] };
      },
    },
  } as const`;

/** Each answers with its version and with what it was asked. `edited` is the file whose versions `text` gives; `others` stay as they are. */
const kinds = [
  {
    name: "plain",
    edited: "plugins/plain.ts",
    text: (version) => `export default (input: unknown) => ({ version: ${version}, input });\n`,
  },
  {
    name: "importing",
    edited: "parts/version.ts",
    text: (version) => `export const version: number = ${version};\n`,
    others: {
      "plugins/importing.ts": `import { version } from "../parts/version.ts";
export default (input: unknown) => ({ version, input });
`,
    },
  },
  {
    name: "large",
    edited: "plugins/large.ts",
    text: (version) => `${parts}
export default (input: unknown) => ({ version: ${version}, input, part: part17(${version}) + part400(3) });
`,
  },
  {
    name: "checked",
    edited: "plugins/checked.ts",
    text: (version) => `import { defineHandler } from "zmqecho";
export default defineHandler({
  input: ${check},
  handle: async (input) => ({ version: ${version}, input }),
});
`,
  },
  {
    name: "stateful",
    edited: "plugins/stateful.ts",
    text: (version) => `import { setTimeout as delay } from "node:timers/promises";
import { defineHandler } from "zmqecho";
export default defineHandler({
  setup: () => ({ version: ${version}, answered: 0 }),
  async handle(input, { state }) {
    state.answered++;
    await delay(1);
    return { version: state.version, input };
  },
  teardown(state) {
    state.version = -1;
  },
});
`,
  },
];

/** Put at the end of any of the files it makes a syntax error, at this column. */
const BROKEN_LINE = "export const = 0;\n";
const BROKEN_PLACE = BROKEN_LINE.indexOf("=") + 1;

/** `written` is the newest version on disk, `answered` the newest that a call came back with. */
const plugins = kinds.map((plugin) => ({ ...plugin, written: 0, answered: 0 }));

/** Tells of whatever may end a wait. */
const news = new EventEmitter().setMaxListeners(0);
const failed = new Map();
const wrong = [];
let calls = 0;
let log = "";
let over = false;

async function write(file, text) {
  const path = join(folder, file);
  await mkdir(dirname(path), { recursive: true });
  // As editors do it, so that nobody reads half of it.
  await writeFile(`${path}.tmp`, text);
  await rename(`${path}.tmp`, path);
}

/** One call, whose answer must be of a version that was there while it was under way. */
async function ask(client, plugin) {
  const oldest = plugin.answered;
  const text = `call ${++calls}`;
  try {
    const { version, input } = await client.call(plugin.name, { text });
    if (input?.text !== text || !(version >= oldest && version <= plugin.written)) {
      wrong.push(`${plugin.name} answered ${version}, not ${oldest} to ${plugin.written}`);
    }
    plugin.answered = Math.max(plugin.answered, version);
    news.emit("news");
  } catch (error) {
    const what = `${error.code ?? error.name}: ${error.message}`;
    failed.set(what, (failed.get(what) ?? 0) + 1);
  }
}

async function keepAsking(client) {
  while (!over) await ask(client, plugins[Math.floor(Math.random() * plugins.length)]);
}

/** Milliseconds until something is so, no longer than a reload may ever take; undefined if it is not even then. */
async function timeUntil(isSo) {
  const from = performance.now();
  const signal = AbortSignal.timeout(MOST_MS);
  while (!isSo()) {
    if (signal.aborted) return undefined;
    await once(news, "news", { signal }).catch(() => undefined);
  }
  return performance.now() - from;
}

/** Milliseconds from the write to the first answer of the new version. */
async function edit(plugin) {
  const version = plugin.written + 1;
  plugin.written = version;
  const shown = timeUntil(() => plugin.answered === version);
  await write(plugin.edited, plugin.text(version));
  return shown;
}

/** Milliseconds from the write of a syntax error to the line in the log that has its place. */
async function breakIt(plugin, client) {
  const text = plugin.text(plugin.written);
  const place = `${join(folder, plugin.edited)}:${text.split("\n").length}:${BROKEN_PLACE}`;
  log = "";
  const told = timeUntil(() => log.includes(`${place}: `));
  await write(plugin.edited, text + BROKEN_LINE);
  const took = await told;
  await ask(client, plugin);
  return took;
}

/** Megabytes, and how many files and threads. The bundler is a process of its own. */
async function factsOf(pid) {
  const read = (file) => readFile(`/proc/${file}`, "utf8");
  const rssOf = async (id) => Number(/VmRSS:\s+(\d+)/.exec(await read(`${id}/status`))?.[1]) / 1024;
  const children = (await read(`${pid}/task/${pid}/children`)).split(" ").filter((id) => id !== "");
  return {
    rss: await rssOf(pid),
    bundler: (await Promise.all(children.map(rssOf))).reduce((sum, rss) => sum + rss, 0),
    files: (await readdir(`/proc/${pid}/fd`)).length,
    threads: (await readdir(`/proc/${pid}/task`)).length,
  };
}

function times(label, took) {
  const [middle, late, last] = [median(took), percentile(took, 95), Math.max(...took)].map((ms) => ms.toFixed(0));
  console.log(`${label.padEnd(36)} median ${middle} ms, p95 ${late} ms, max ${last} ms`);
}

await write("zmqecho.config.json", JSON.stringify(config));
for (const plugin of plugins) {
  for (const [file, text] of Object.entries(plugin.others ?? {})) await write(file, text);
  await write(plugin.edited, plugin.text(0));
}
const server = start([zmqecho, "serve"], folder);
// The host's id is for whoever wants to look into it meanwhile: NODE_OPTIONS=--heapsnapshot-signal=SIGUSR2 is handed on.
const edits = `${reloads} edits${withBroken ? ", every other one broken" : ""}`;
console.log(`node ${process.version}, ${edits}, host ${server.child.pid}`);
server.child.stderr.on("data", (chunk) => {
  log += chunk;
  news.emit("news");
});
const clients = Array.from({ length: BUSY_CLIENTS }, () =>
  createClient({ connect: address, codec: "json", wait: true }),
);
const facts = new Map();
const good = [];
const broken = [];
let late = 0;
try {
  for (const plugin of plugins) await ask(clients[0], plugin);
  const asking = clients.map(keepAsking);
  const from = performance.now();
  for (let done = 1; done <= reloads; done++) {
    const isBroken = withBroken && done % 2 === 1;
    const plugin = plugins[(withBroken ? done >> 1 : done) % plugins.length];
    const took = isBroken ? await breakIt(plugin, clients[0]) : await edit(plugin);
    if (took === undefined) late++;
    else (isBroken ? broken : good).push(took);
    if (done % 50 !== 0 && done !== reloads) continue;
    const now = await factsOf(server.child.pid);
    facts.set(done, now);
    const text = `${now.rss.toFixed(1).padStart(6)} MB (bundler ${now.bundler.toFixed(1)} MB), ${now.files} files, ${now.threads} threads`;
    console.log(`${`after ${done} edits`.padEnd(36)} ${text}`);
  }
  const seconds = (performance.now() - from) / 1000;
  over = true;
  await Promise.all(asking);
  console.log(`${"calls meanwhile".padEnd(36)} ${calls}, ${(calls / seconds).toFixed(0)} a second`);
} finally {
  over = true;
  for (const client of clients) await client.close();
  await stop(server);
  await rm(folder, { recursive: true });
}

const failures = [...failed.values()].reduce((sum, count) => sum + count, 0);
console.log(`${"failed calls".padEnd(36)} ${failures}`);
for (const [what, count] of failed) console.log(`  ${count} x ${what}`);
console.log(`${"wrong answers".padEnd(36)} ${wrong.length}`);
for (const text of wrong.slice(0, 10)) console.log(`  ${text}`);
if (good.length > 0) times("from write to first new answer", good);
if (broken.length > 0) times("from broken write to line in the log", broken);

const [first, last] = [facts.get(SETTLED), facts.get(Math.min(MEASURED, reloads)) ?? [...facts.values()].at(-1)];
const promises = {
  "no call fails": failures === 0,
  "no answer is of another version": wrong.length === 0,
  [`every edit shows within ${MOST_MS} ms (${late} did not)`]: late === 0,
  [`95 of 100 edits show within ${PROMISED_MS} ms`]: good.length > 0 && percentile(good, 95) <= PROMISED_MS,
};
if (first !== undefined && last !== undefined) {
  const growth = last.rss - first.rss;
  promises[`under ${PROMISED_GROWTH_MB} MB more after ${MEASURED} edits than after ${SETTLED} (${growth.toFixed(1)})`] =
    growth < PROMISED_GROWTH_MB;
  promises["no files or threads pile up"] = last.files <= first.files + 2 && last.threads <= first.threads;
}
for (const [promise, isKept] of Object.entries(promises)) console.log(`${isKept ? "kept  " : "BROKEN"} ${promise}`);
process.exitCode = Object.values(promises).every(Boolean) ? 0 : 1;
