/** A unary method whose messages are JSON instead of protobuf, so that all carry the same bytes; one channel. */
import { credentials, makeGenericClientConstructor, Server, ServerCredentials } from "@grpc/grpc-js";

const toBytes = (value) => Buffer.from(JSON.stringify(value));
const toValue = (bytes) => JSON.parse(bytes.toString());
const definition = {
  echo: {
    path: "/bench.Echo/Echo",
    requestStream: false,
    responseStream: false,
    requestSerialize: toBytes,
    requestDeserialize: toValue,
    responseSerialize: toBytes,
    responseDeserialize: toValue,
  },
};

export async function serve({ address }) {
  const server = new Server();
  server.addService(definition, { echo: ({ request }, reply) => reply(null, request) });
  await new Promise((resolve, reject) => {
    const done = (error) => (error ? reject(error) : resolve());
    server.bindAsync(new URL(address).host, ServerCredentials.createInsecure(), done);
  });
}

export async function connect({ address }) {
  const Client = makeGenericClientConstructor(definition, "Echo");
  const client = new Client(new URL(address).host, credentials.createInsecure());
  await new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + 20_000, (error) => (error ? reject(error) : resolve()));
  });
  return {
    call: (value) => {
      return new Promise((resolve, reject) => {
        client.echo(value, (error, reply) => (error ? reject(error) : resolve(reply)));
      });
    },
  };
}
