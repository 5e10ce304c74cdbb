/** Bytes from one connection to another and back, and nothing else: `node bench/bare-proxy.mjs LISTEN TARGET`. */
import { connect, createServer } from "node:net";

const [listen, target] = process.argv.slice(2).map((address) => {
  const { hostname: host, port } = new URL(address);
  return { host, port: Number(port) };
});
createServer({ noDelay: true }, (client) => {
  const server = connect({ ...target, noDelay: true });
  client.pipe(server).pipe(client);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ]) {
    one.on("error", () => other.destroy());
  }
}).listen(listen);
