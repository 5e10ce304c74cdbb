/**
 * How many requests a second one server answers, beside a loop of six lines that parses and stringifies too:
 * `node bench/throughput.mjs [ROUNDS] [REQUESTS]`. All clients are in this one process, which works harder than any of
 * the servers: the rates are those of the pair, and what counts are the ratios.
 */
import { connectTo, drive, freeAddress, jsonBody, median, root, start, stop, zmqecho } from "./figures.mjs";

/** With many clients at least so much of the bare loop's rate, if calls run side by side. */
const PROMISED = 0.75;

const rounds = Number(process.argv[2] ?? 9);
const requests = Number(process.argv[3] ?? 12_800);

const served = (concurrency) => (address) => {
  return [zmqecho, "serve", address, "--codec", "json", "--quiet", "--concurrency", String(concurrency)];
};
const kinds = {
  "bare REP loop": (address) => [`${root}bench/bare-json-serve.mjs`, address],
  "zmqecho, lock-step": served(1),
  "zmqecho, concurrency 16": served(16),
  "zmqecho, concurrency 64": served(64),
};

/** Requests a second, round by round. */
async function compare(clients) {
  const servers = [];
  for (const [kind, args] of Object.entries(kinds)) {
    const address = await freeAddress();
    const server = start(args(address));
    const sockets = await Promise.all(Array.from({ length: clients }, () => connectTo(address)));
    servers.push({ kind, server, sockets, rates: [] });
  }
  // The first round warms the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const { sockets, rates } of servers) {
      const from = performance.now();
      await drive(sockets, requests);
      if (round > 0) rates.push((requests * 1000) / (performance.now() - from));
    }
  }
  for (const { sockets, server } of servers) {
    for (const socket of sockets) socket.close();
    await stop(server);
  }
  const [bare] = servers;
  return servers.map(({ kind, rates }) => {
    const ratio = median(rates.map((rate, index) => rate / bare.rates[index]));
    const clientsText = `${clients} client${clients === 1 ? "" : "s"}`;
    console.log(
      `${clientsText.padEnd(10)} ${kind.padEnd(32)} ${median(rates).toFixed(0).padStart(6)} a second  ${ratio.toFixed(2)} x`,
    );
    return { kind, ratio };
  });
}

console.log(
  `node ${process.version}, ${jsonBody.length} bytes, medians of ${rounds} rounds of ${requests} requests; ratios are medians of pairs`,
);
await compare(1);
const many = await compare(64);
const slow = many.filter(({ kind, ratio }) => kind.includes("concurrency") && ratio < PROMISED);
for (const { kind, ratio } of slow) console.log(`BROKEN ${kind}: ${ratio.toFixed(2)} x, and ${PROMISED} is promised`);
process.exitCode = slow.length === 0 ? 0 : 1;
