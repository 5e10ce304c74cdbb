/** A route that takes and gives JSON; undici's pool, which keeps a connection for each call in flight. */
import fastify from "fastify";
import { Pool } from "undici";

export async function serve({ address }) {
  const server = fastify();
  server.post("/echo", async (request) => request.body);
  const { hostname, port } = new URL(address);
  await server.listen({ host: hostname, port: Number(port) });
}

export async function connect({ address, lanes }) {
  const pool = new Pool(`http://${new URL(address).host}`, { connections: lanes });
  const headers = { "content-type": "application/json" };
  return {
    call: async (value) => {
      const { statusCode, body } = await pool.request({
        path: "/echo",
        method: "POST",
        headers,
        body: JSON.stringify(value),
      });
      const reply = await body.json();
      if (statusCode !== 200) throw new Error(`${statusCode}: ${JSON.stringify(reply)}`);
      return reply;
    },
  };
}
