/**
 * The clients of ZeroMQ, each of which takes what it needs of `{ address, lanes, bytes }` and gives a `call(input, lane)`. Those of the
 * peers are beside their servers, in ../peers/.
 */
import { Context, Dealer, Request } from "zeromq";
import { createClient } from "../../dist/index.js";

const toText = JSON.stringify;
const toValue = (frame) => JSON.parse(frame.toString());
const asIs = (frame) => frame;

/** What is left of a client if nothing goes wrong: REQ's envelope, with a frame before it by which a reply finds its call. */
function bare(encode, decode) {
  return async ({ address }) => {
    const socket = new Dealer({ linger: 0 });
    socket.connect(address);
    const calls = new Map();
    let last = 0;
    async function read() {
      for await (const [id, , body] of socket) {
        const key = id.readUInt32LE();
        calls.get(key)(decode(body));
        calls.delete(key);
      }
    }
    void read();
    return {
      call: (input) => {
        return new Promise((resolve, reject) => {
          const id = Buffer.allocUnsafe(4);
          id.writeUInt32LE(++last);
          calls.set(last, resolve);
          socket.send([id, "", encode(input)]).catch(reject);
        });
      },
    };
  };
}

/** A REQ socket for each lane: as many clients, in one process. */
async function req({ address, lanes }) {
  // libzmq's default is 1023.
  const context = new Context({ maxSockets: lanes + 16 });
  const sockets = Array.from({ length: lanes }, () => new Request({ context, linger: 0, receiveTimeout: 20_000 }));
  for (const socket of sockets) socket.connect(address);
  return {
    call: async (input, lane) => {
      await sockets[lane].send(input);
      const [reply] = await sockets[lane].receive();
      return reply;
    },
  };
}

async function library({ address, lanes }) {
  const client = createClient({ connect: address, codec: "json", maxInFlight: lanes });
  return { call: (input) => client.request(input) };
}

const byName =
  (batch) =>
  async ({ address, lanes }) => {
    const client = createClient({ connect: address, codec: "json", maxInFlight: lanes, batch });
    return { call: (input) => client.call("echo", input) };
  };

export const clients = {
  bare: bare(toText, toValue),
  "bare raw": bare(asIs, asIs),
  req,
  library,
  zep: byName(true),
  "zep-single": byName(false),
};
