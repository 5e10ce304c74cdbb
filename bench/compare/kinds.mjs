/** What is compared: a server's commands by its addresses, and the client that goes with it. */
import { root, zmqecho } from "../figures.mjs";

const script =
  (path, ...words) =>
  ({ address, clientAddress }) => [[process.execPath, `${root}bench/${path}`, ...words, address, clientAddress]];
const served =
  (codec, concurrency) =>
  ({ address }) => {
    const flags = ["--codec", codec, "--quiet", "--concurrency", String(concurrency)];
    return [[process.execPath, zmqecho, "serve", address, ...flags]];
  };
/** The one endpoint that flags can't say: handlers by name. */
const zep = ({ address }) => {
  const config = `${root}bench/compare/zep.config.json`;
  return [["env", `ADDRESS=${address}`, process.execPath, zmqecho, "serve", "--config", config]];
};
const peer = (name) => ({ serve: script("peers/serve.mjs", name), client: name });

const bareLoop = script("bare-json-serve.mjs");
const zmqechoRep = served("json", 1);
const zmqechoRouter = served("json", 64);

/** `nats-server` is Debian's package of that name, and not npm's; its time counts as the server's. */
function nats({ address, clientAddress }) {
  const { hostname, port } = new URL(address);
  const { serve } = peer("nats");
  return [["nats-server", "--addr", hostname, "--port", port], ...serve({ address, clientAddress })];
}

/** The first one is what the others are held against. */
export const echoKinds = {
  bare: { title: "bare REP loop, bare client", serve: bareLoop, client: "bare" },
  "rep-bare": { title: "zmqecho REP, bare client", serve: zmqechoRep, client: "bare" },
  "router-bare": { title: "zmqecho ROUTER, bare client", serve: zmqechoRouter, client: "bare" },
  "bare-library": { title: "bare REP loop, zmqecho's client", serve: bareLoop, client: "library" },
  rep: { title: "**zmqecho REP, zmqecho's client**", serve: zmqechoRep, client: "library" },
  router: { title: "**zmqecho ROUTER, zmqecho's client**", serve: zmqechoRouter, client: "library" },
  zep: { title: "**zmqecho by name, zmqecho's client**", serve: zep, client: "zep" },
  "zep-single": { title: "the same, without batches", serve: zep, client: "zep-single" },
  moleculer: { title: "Moleculer, TCP transporter", ...peer("moleculer") },
  nats: { title: "NATS request and reply", serve: nats, client: "nats" },
  grpc: { title: "grpc-js, unary", ...peer("grpc") },
  fastify: { title: "Fastify, undici's pool", ...peer("fastify") },
};

/** Raw bytes, so that what grows with them is the carrying alone. The first one is what the other is held against. */
export function rawKinds(client, bytes) {
  return {
    bare: { serve: script("bare-serve.mjs"), client, bytes },
    router: { serve: served("raw", 64), client, bytes },
  };
}
