/** Request and reply by a queue group. Both ends are clients of a nats-server, which is a third process. */
import { connect as join } from "@nats-io/transport-node";

const joined = ({ address }) =>
  join({ servers: new URL(address).host, waitOnFirstConnect: true, reconnectTimeWait: 50 });

export async function serve(addresses) {
  const connection = await joined(addresses);
  connection.subscribe("echo", {
    queue: "echo",
    callback: (_error, message) => message.respond(JSON.stringify(message.json())),
  });
}

export async function connect(addresses) {
  const connection = await joined(addresses);
  return {
    call: async (value) => (await connection.request("echo", JSON.stringify(value), { timeout: 20_000 })).json(),
  };
}
