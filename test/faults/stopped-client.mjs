/** Asks for many large replies, is stopped before they come, and counts them once it goes on. */
import { Dealer } from "zeromq";

const [address, count] = process.argv.slice(2);
const socket = new Dealer({ linger: 0, sendHighWaterMark: 0, receiveTimeout: 2_000 });
socket.connect(address);
for (let sent = 0; sent < Number(count); sent++) await socket.send([String(sent), "", String(sent)]);
console.log("sent");
const times = new Map();
let foreign = 0;
// The first silence may be the one in which it stood still.
for (let silences = 0; silences < 2; ) {
  const [id, , body] = await socket.receive().catch(() => []);
  if (id === undefined) {
    silences++;
    continue;
  }
  // The reply begins with what was asked.
  if (body.toString("latin1", 0, id.length) !== String(id)) foreign++;
  times.set(String(id), (times.get(String(id)) ?? 0) + 1);
}
const doubled = [...times.values()].filter((count) => count > 1).length;
console.log(JSON.stringify({ replied: times.size, doubled, foreign }));
socket.close();
