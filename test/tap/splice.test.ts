import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createSplice, type SpliceOptions } from "../../src/tap/splice.ts";
import { parseAddress } from "../../src/wire/address.ts";
import { ANY_PORT } from "../hosts.ts";

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
};

interface Spliced {
  readonly port: number;
  readonly target: Server;
  readonly heard: { client: number; server: number; ended: number };
  stop(): Promise<void>;
}

/** A splice to a server of the test's own, which gets each connection. */
async function spliced(onSocket: (socket: Socket) => void, options: Partial<SpliceOptions> = {}): Promise<Spliced> {
  const target = createServer({ allowHalfOpen: true }, (socket) => {
    onTestFinished(() => void socket.destroy());
    onSocket(socket.on("error", () => {}));
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const heard = { client: 0, server: 0, ended: 0 };
  const splice = createSplice({
    listen: parseAddress(ANY_PORT, "bind"),
    target: parseAddress(`tcp://127.0.0.1:${portOf(target)}`, "connect"),
    connectMs: 1000,
    watch: () => ({
      fromClient({ length }) {
        heard.client += length;
      },
      fromServer({ length }) {
        heard.server += length;
      },
      end() {
        heard.ended++;
      },
      isSettled: () => true,
    }),
    hold: () => undefined,
    onTarget: () => {},
    onFailed: (error) => expect.fail(String(error)),
    ...options,
  });
  const { port } = new URL(await splice.open());
  splice.run();
  onTestFinished(async () => {
    await splice.stop();
    target.close();
  });
  return { port: Number(port), target, heard, stop: splice.stop };
}

function client(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket.on("error", () => {});
}

const MIB = 1024 * 1024;

/** To the end of what the peer sends; the socket can still be written. */
function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  return new Promise((resolve) => {
    for (const event of ["end", "close"]) socket.once(event, () => resolve(Buffer.concat(chunks)));
  });
}

test("who reads nothing stops who sends, and then gets all of it", async () => {
  const sent = Buffer.alloc(64 * MIB, "0123456789abcdefghijklmnopq");
  const sockets: Socket[] = [];
  const { port, heard } = await spliced((socket) => {
    sockets.push(socket);
    if (sockets.length === 1) socket.end(sent);
    else socket.pipe(socket);
  });
  const slow = client(port).pause();
  await once(slow, "connect");
  // Meanwhile others go on, and it has all the time to fill what there is.
  const other = client(port);
  for (let round = 0; round < 200; round++) {
    other.write(Buffer.alloc(10_000));
    for (let left = 10_000; left > 0; ) left -= ((await once(other, "data"))[0] as Buffer).length;
  }
  // The system's own buffers are a few MiB.
  expect(heard.server).toBeLessThan(24 * MIB);
  expect((await readAll(slow)).equals(sent)).toBe(true);
});

test("what the client sends waits for a server that does not read, too", async () => {
  const sent = Buffer.alloc(32 * MIB, "abcdefghijklmnopq");
  let received: Promise<Buffer> | undefined;
  let read: () => void = () => {};
  const { port, heard } = await spliced((socket) => {
    socket.pause();
    read = () => {
      received = readAll(socket);
    };
    socket.write("!");
  });
  const socket = client(port);
  socket.end(sent);
  await once(socket, "data");
  await expect.poll(() => heard.client).toBeGreaterThan(MIB / 4);
  expect(heard.client).toBeLessThan(24 * MIB);
  read();
  expect((await received)?.equals(sent)).toBe(true);
});

test("who has sent its last bytes may still read", async () => {
  const { port } = await spliced(async (socket) => {
    const all = await readAll(socket);
    socket.end(`${all.length} bytes`);
  });
  const socket = client(port);
  socket.end("question");
  expect(String(await readAll(socket))).toBe("8 bytes");
});

test("the end of one side is the end of the other", async () => {
  const { port, heard } = await spliced((socket) => {
    socket.on("data", (chunk) => (String(chunk) === "reset" ? socket.resetAndDestroy() : socket.write(chunk)));
    socket.on("end", () => socket.end());
  });
  const reset = client(port);
  reset.write("reset");
  expect(await readAll(reset)).toHaveLength(0);
  reset.destroy();
  const leaving = client(port);
  leaving.write("hello");
  await once(leaving, "data");
  leaving.resetAndDestroy();
  await expect.poll(() => heard.ended).toBe(2);
});

test("without a target a client's connection is closed, and one that comes back is told of", async () => {
  const told: (boolean | string)[] = [];
  const { port, target } = await spliced((socket) => void socket.end("hi"), {
    onTarget: (isThere, code) => told.push(isThere || code),
  });
  const place = portOf(target);
  target.close();
  await once(target, "close");
  expect(await readAll(client(port).end())).toHaveLength(0);
  target.listen(place, "127.0.0.1");
  await once(target, "listening");
  expect(String(await readAll(client(port).end()))).toBe("hi");
  expect(told).toEqual(["ECONNREFUSED", true]);
});

test("while it is held nothing more is read, and nothing is lost", async () => {
  let release: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHeld = true;
  const { port, heard } = await spliced(async (socket) => socket.end(await readAll(socket)), {
    hold: () => (isHeld ? gate : undefined),
  });
  const socket = client(port);
  const sent = Buffer.alloc(8 * MIB, "abcdefghijklm");
  socket.end(sent);
  await expect.poll(() => heard.client).toBeGreaterThan(0);
  expect(heard.client).toBeLessThan(MIB);
  isHeld = false;
  release();
  expect((await readAll(socket)).equals(sent)).toBe(true);
});

test("a stop waits until all is settled, reads no requests, and delivers the last replies", async () => {
  let isSettled = false;
  const received: string[] = [];
  let reply: () => void = () => {};
  const ended: string[] = [];
  const { port, stop } = await spliced(
    (socket) => {
      socket.on("data", (chunk) => received.push(String(chunk)));
      reply = () => socket.write("late", () => {});
    },
    {
      watch: () => ({
        fromClient: () => {},
        fromServer: () => {
          isSettled = true;
        },
        end: () => void ended.push("end"),
        isSettled: () => isSettled,
      }),
    },
  );
  const socket = client(port);
  socket.write("one");
  await expect.poll(() => received).toEqual(["one"]);
  const stopped = stop();
  socket.write("two");
  reply();
  const all = await readAll(socket);
  socket.end();
  await stopped;
  expect(String(all)).toBe("late");
  expect(received).toEqual(["one"]);
  expect(ended).toEqual(["end"]);
});
