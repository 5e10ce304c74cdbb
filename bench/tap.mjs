/**
 * What a tap adds to a round trip: a REQ client and a REP loop of four lines, directly and through `zmqecho tap`:
 * `node bench/tap.mjs [ROUNDS] [REQUESTS]`. Each kind runs once a round, in turn; the ratio is the median of the
 * rounds' own. With many clients the ways overlap, and what counts is how many requests pass.
 */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { connectTo, drive, freeAddress, jsonBody, median, percentile, root, start, stop, zmqecho } from "./figures.mjs";

const rounds = Number(process.argv[2] ?? 9);
const requests = Number(process.argv[3] ?? 3000);
const record = `${tmpdir()}/zmqecho-bench-${process.pid}.jsonl`;

/** With one client, times the direct way. */
const most = 1.5;

/** Through a process that only passes bytes on: what any Node between the two costs here. */
const kinds = {
  direct: undefined,
  "bare splice": (from, to) => [`${root}bench/bare-proxy.mjs`, from, to],
  "tap --quiet": (from, to) => [zmqecho, "tap", from, to, "--quiet"],
  "tap --codec json": (from, to) => [zmqecho, "tap", from, to, "--codec", "json"],
  "tap --codec json --record": (from, to) => [zmqecho, "tap", from, to, "--codec", "json", "--record", record],
};

async function timed(socket) {
  const times = [];
  for (let left = requests; left > 0; left--) {
    const from = performance.now();
    await socket.send(jsonBody);
    await socket.receive();
    times.push((performance.now() - from) * 1000);
  }
  return { took: median(times), p99: percentile(times, 99) };
}

async function each(clients, measure) {
  const target = await freeAddress();
  const server = start([`${root}bench/bare-serve.mjs`, target]);
  const ways = [];
  for (const [kind, args] of Object.entries(kinds)) {
    const address = args === undefined ? target : await freeAddress();
    const between = args && start(args(address, target));
    const sockets = await Promise.all(Array.from({ length: clients }, () => connectTo(address)));
    ways.push({ kind, between, sockets, figures: [] });
  }
  // The first round warms the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const { sockets, figures } of ways) {
      const figure = await measure(sockets);
      if (round > 0) figures.push(figure);
    }
  }
  for (const { sockets, between } of ways) {
    for (const socket of sockets) socket.close();
    if (between !== undefined) await stop(between);
  }
  await stop(server);
  rmSync(record, { force: true });
  return ways;
}

console.log(
  `node ${process.version}, ${jsonBody.length} bytes, medians of ${rounds} rounds of ${requests} requests; should be under ${most} x the time with 1 client`,
);
const alone = await each(1, ([socket]) => timed(socket));
for (const { kind, figures } of alone) {
  const ratio = median(figures.map(({ took }, index) => took / alone[0].figures[index].took));
  const [took, p99] = ["took", "p99"].map((name) =>
    median(figures.map((figure) => figure[name]))
      .toFixed(0)
      .padStart(5),
  );
  console.log(`1 client   ${kind.padEnd(28)} ${took} us, p99 ${p99} us  ${ratio.toFixed(2)} x the time`);
}
const many = await each(16, async (sockets) => {
  const from = performance.now();
  await drive(sockets, requests);
  return (performance.now() - from) / requests;
});
for (const { kind, figures } of many) {
  const ratio = median(figures.map((ms, index) => ms / many[0].figures[index]));
  const rate = (1000 / median(figures)).toFixed(0).padStart(6);
  console.log(`16 clients ${kind.padEnd(28)} ${rate} a second       ${ratio.toFixed(2)} x the time`);
}
