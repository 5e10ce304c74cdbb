/**
 * A client in a process of its own: `drive.mjs CLIENT ADDRESSES` takes `{ inFlight, ms }` from its parent, keeps so many
 * calls under way for so long, and says how many there were and how long they took. What it asks is JSON's record, or so many raw bytes.
 */
import { setTimeout as delay } from "node:timers/promises";
import { jsonBody } from "../figures.mjs";
import { clients } from "./clients.mjs";

const READY_MS = 20_000;

const [name, given] = process.argv.slice(2);
const options = JSON.parse(given);
const input = options.bytes === undefined ? JSON.parse(jsonBody) : Buffer.alloc(options.bytes, "x");
const isEcho = options.bytes === undefined ? ({ id }) => id === input.id : ({ length }) => length === input.length;
const connect = clients[name] ?? (await import(`../peers/${name}.mjs`)).connect;
const client = await connect(options);

async function call(lane) {
  const reply = await client.call(input, lane);
  if (!isEcho(reply)) throw new Error(`not an echo: ${String(reply).slice(0, 200)}`);
}

/** Until the server is there and has answered once. */
async function ready() {
  const until = performance.now() + READY_MS;
  for (;;) {
    try {
      return await call(0);
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(50);
    }
  }
}

async function drive({ inFlight, ms }) {
  const from = performance.now();
  let calls = 0;
  async function keepAsking(lane) {
    do {
      await call(lane);
      calls++;
    } while (performance.now() - from < ms);
  }
  await Promise.all(Array.from({ length: inFlight }, (_, lane) => keepAsking(lane)));
  return { calls, tookMs: performance.now() - from };
}

process.on("disconnect", () => process.exit());
process.on("message", (load) => {
  void drive(load).then((done) => process.send(done));
});
await ready();
process.send({ ready: true });
