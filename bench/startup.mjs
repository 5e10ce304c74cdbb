/** How long whole processes take beside the smallest script that does the same: `node bench/startup.mjs [ROUNDS]`. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Request } from "zeromq";
import { freeAddress, median, root, start, stop, timeToEnd, zmqecho } from "./figures.mjs";

const rounds = Number(process.argv[2] ?? 21);
const folder = await mkdtemp(join(tmpdir(), "zmqecho-bench-"));
const configured = await mkdtemp(join(tmpdir(), "zmqecho-bench-"));
const address = await freeAddress();
await writeFile(
  join(configured, "zmqecho.config.json"),
  JSON.stringify({ endpoints: { echo: { bind: address, codec: "json" } } }),
);

/** Milliseconds from the start of a server's process to its first reply. */
async function timeToAnswer(argsFor) {
  const place = await freeAddress();
  const socket = new Request({ linger: 0, reconnectInterval: 2, receiveTimeout: 20_000 });
  const from = performance.now();
  const server = start(argsFor(place), folder);
  socket.connect(place);
  try {
    await socket.send("are you there?");
    await socket.receive();
    return performance.now() - from;
  } finally {
    socket.close();
    await stop(server);
  }
}

const sends = {
  "bare REQ script": () => timeToEnd([`${root}bench/bare-send.mjs`, address], folder),
  "zmqecho send ADDRESS": () => timeToEnd([zmqecho, "send", address], folder),
  "zmqecho send ADDRESS, json": () => timeToEnd([zmqecho, "send", address, '"hi"', "--codec", "json"], folder),
  "zmqecho send, by its configuration": () => timeToEnd([zmqecho, "send", '"hi"'], configured),
};
const serves = {
  "bare REP script": () => timeToAnswer((place) => [`${root}bench/bare-serve.mjs`, place]),
  "zmqecho serve ADDRESS": () => timeToAnswer((place) => [zmqecho, "serve", place]),
};

/** Each kind once a round, in turn, so that whatever else the machine does meets all alike; the first round warms the disk's cache. */
async function compare(kinds) {
  const times = new Map(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [kind, run] of Object.entries(kinds)) {
      const took = await run();
      if (round > 0) times.get(kind).push(took);
    }
  }
  const [[, bare]] = times;
  for (const [kind, took] of times) {
    const ratio = median(took.map((value, index) => value / bare[index]));
    console.log(`${kind.padEnd(36)} ${median(took).toFixed(0).padStart(6)} ms  ${ratio.toFixed(2).padStart(5)} x`);
  }
}

console.log(`node ${process.version}, medians of ${rounds} rounds; ratios are medians of pairs`);
const server = start([`${root}bench/bare-serve.mjs`, address], folder);
try {
  await compare(sends);
} finally {
  await stop(server);
}
await compare(serves);
await rm(folder, { recursive: true });
await rm(configured, { recursive: true });
