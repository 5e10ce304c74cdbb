/**
 * Clients that connect and then say nothing: `idle-peers.mjs ADDRESS COUNT` opens so many connections, shakes hands as a
 * REQ socket without CURVE does (ZMTP 3.1, https://rfc.zeromq.org/spec/37/), tells its parent when all are through, and
 * keeps them until it is ended. A socket of libzmq for each would take several files and far more memory.
 */
import { connect } from "node:net";

/** So many are shaking hands at a time: together with the other processes fewer than libzmq's backlog of 100. */
const AT_A_TIME = 20;
const HANDSHAKE_MS = 10_000;

const [address, count] = process.argv.slice(2);
const { hostname: host, port } = new URL(address);

const GREETING_BYTES = 64;
const greeting = Buffer.alloc(GREETING_BYTES);
greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1]);
greeting.write("NULL", 12);
const ready = Buffer.from("\x05READY\x0bSocket-Type\0\0\0\x03REQ", "latin1");
const hello = Buffer.concat([greeting, Buffer.of(0x04, ready.length), ready]);

/** True when the server's greeting and its READY are there. */
function isThrough(bytes) {
  const length = bytes[GREETING_BYTES + 1];
  if (length === undefined || bytes.length < GREETING_BYTES + 2 + length) return false;
  if (bytes.toString("latin1", GREETING_BYTES + 3, GREETING_BYTES + 8) !== "READY") throw new Error("not READY");
  return true;
}

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port) });
    const timer = setTimeout(() => reject(new Error("no handshake")), HANDSHAKE_MS);
    let bytes = Buffer.alloc(0);
    socket.write(hello);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!isThrough(bytes)) return;
      clearTimeout(timer);
      socket.removeAllListeners("data").resume();
      resolve();
    });
    socket.on("error", reject);
    // One that goes while it should be idle ends the measurement.
    socket.on("close", () => {
      throw new Error("the server closed a connection");
    });
  });
}

process.on("disconnect", () => process.exit());
let left = Number(count);
async function openAll() {
  while (left-- > 0) await open();
}
await Promise.all(Array.from({ length: AT_A_TIME }, openAll));
process.send("through");
