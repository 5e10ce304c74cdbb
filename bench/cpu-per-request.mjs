/**
 * What a request costs the server's process, beside a loop of six lines that parses and stringifies too:
 * `node bench/cpu-per-request.mjs [ROUNDS] [REQUESTS]`. Linux only: the time is read from /proc.
 */
import { Request } from "zeromq";
import { cpuTime, freeAddress, median, root, start, stop, zmqecho } from "./figures.mjs";

const rounds = Number(process.argv[2] ?? 9);
const requests = Number(process.argv[3] ?? 10_000);
const body = JSON.stringify({ id: 1234567, name: "Ada King Lovelace", total: 99.95, open: true });

async function client(address) {
  const socket = new Request({ linger: 0, receiveTimeout: 20_000 });
  socket.connect(address);
  await socket.send(body);
  const [reply] = await socket.receive();
  if (reply.toString() !== body) throw new Error(`not an echo: ${reply}`);
  return socket;
}

async function drive(sockets) {
  await Promise.all(
    sockets.map(async (socket) => {
      for (let left = requests / sockets.length; left > 0; left--) {
        await socket.send(body);
        await socket.receive();
      }
    }),
  );
}

/** Microseconds of the server's time per request, round by round. */
async function compare(kinds, clients) {
  const servers = [];
  for (const [kind, args] of Object.entries(kinds)) {
    const address = await freeAddress();
    const server = start(args(address));
    const sockets = await Promise.all(Array.from({ length: clients }, () => client(address)));
    servers.push({ kind, server, sockets, costs: [] });
  }
  // The first round warms the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const { server, sockets, costs } of servers) {
      const before = await cpuTime(server.child.pid);
      await drive(sockets);
      const spent = (await cpuTime(server.child.pid)) - before;
      if (round > 0) costs.push(spent / requests / 1000);
    }
  }
  for (const { sockets, server } of servers) {
    for (const socket of sockets) socket.close();
    await stop(server);
  }
  const [bare] = servers;
  for (const { kind, costs } of servers) {
    const ratio = median(costs.map((cost, index) => cost / bare.costs[index]));
    const clientsText = `${clients} client${clients === 1 ? "" : "s"}`;
    console.log(
      `${clientsText.padEnd(10)} ${kind.padEnd(32)} ${median(costs).toFixed(1).padStart(6)} µs  ${ratio.toFixed(2)} x`,
    );
  }
}

const served = (...flags) => {
  return (address) => [zmqecho, "serve", address, "--codec", "json", "--quiet", ...flags];
};
console.log(
  `node ${process.version}, ${body.length} bytes, medians of ${rounds} rounds of ${requests} requests; ratios are medians of pairs`,
);
for (const clients of [1, 8]) {
  await compare(
    {
      "bare REP loop": (address) => [`${root}bench/bare-json-serve.mjs`, address],
      "zmqecho, lock-step": served(),
      "zmqecho, concurrency 16": served("--concurrency", "16"),
    },
    clients,
  );
}
