import { Dealer, Router } from "zeromq";

const clients = new Router();
const server = new Dealer();
await clients.bind(process.argv[2]);
server.connect(process.argv[3]);
const pass = async (from, to) => {
  for await (const frames of from) await to.send(frames);
};
await Promise.all([pass(clients, server), pass(server, clients)]);
