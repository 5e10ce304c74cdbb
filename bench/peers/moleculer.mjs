/** Two nodes that know each other's addresses; the framework's own TCP transporter and JSON serializer. */
import { ServiceBroker } from "moleculer";

function createBroker(nodeID, { address, clientAddress }) {
  const url = (of, id) => `${new URL(of).host}/${id}`;
  const own = new URL(nodeID === "server" ? address : clientAddress);
  const urls = [url(address, "server"), url(clientAddress, "client")];
  const options = { udpDiscovery: false, urls, port: Number(own.port) };
  return new ServiceBroker({ nodeID, logger: false, transporter: { type: "TCP", options } });
}

export async function serve(addresses) {
  const broker = createBroker("server", addresses);
  broker.createService({ name: "echo", actions: { json: ({ params }) => params } });
  await broker.start();
}

export async function connect(addresses) {
  const broker = createBroker("client", addresses);
  await broker.start();
  await broker.waitForServices("echo", 20_000, 50);
  return { call: (value) => broker.call("echo.json", value) };
}
