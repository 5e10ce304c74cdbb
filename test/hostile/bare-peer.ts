/** A peer that speaks ZMTP 3.1 (https://rfc.zeromq.org/spec/37/) by itself, so that it can do what a libzmq socket never would. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How far it goes: a connection, then a greeting, then READY. */
export type Stage = "connected" | "greeted" | "ready";

const GREETING = Buffer.alloc(64);
GREETING.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1]);
GREETING.write("NULL", 12);

const READY_BODY = Buffer.from("\x05READY\x0bSocket-Type\0\0\0\x06DEALER", "latin1");
const READY = Buffer.concat([Buffer.of(0x04, READY_BODY.length), READY_BODY]);

const MORE = 0x01;
const LONG = 0x02;

export interface BarePeer {
  readonly socket: Socket;
  /** One message; resolves when the system has taken it. */
  send(...frames: readonly (string | Uint8Array)[]): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when either side has hung up. */
  readonly closed: Promise<void>;
  hangUp(): void;
}

/** Reads nothing once it is `ready`, until its socket is resumed. Rejects if it can't connect. */
export async function connectBare(address: string, stage: Stage): Promise<BarePeer> {
  const { port, hostname } = new URL(address.replace("tcp:", "http:"));
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  // Whatever happens from now on, it hangs up or is hung up on.
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
  });
  const write = (bytes: Uint8Array): Promise<void> =>
    Promise.race([new Promise<void>((resolve) => socket.write(bytes, () => resolve())), closed]);
  if (stage === "greeted") await write(GREETING);
  if (stage === "ready") {
    await write(Buffer.concat([GREETING, READY]));
    await Promise.race([welcomed(socket), closed]);
  } else socket.resume();
  return {
    socket,
    write,
    closed,
    send: (...frames) => write(Buffer.concat(frames.map((frame, index) => frameOf(frame, index < frames.length - 1)))),
    hangUp: () => void socket.destroy(),
  };
}

/** Resolves when the other side's greeting and READY are there, with the socket paused; nothing else comes before it is asked. */
async function welcomed(socket: Socket): Promise<void> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of chunksOf(socket)) {
    bytes = Buffer.concat([bytes, chunk]);
    const length = bytes[GREETING.length + 1];
    if (length !== undefined && bytes.length >= GREETING.length + 2 + length) break;
  }
}

/** The socket is paused between two of them, and open when it is left. */
function chunksOf(socket: Socket): AsyncIterable<Buffer> {
  return socket.iterator({ destroyOnReturn: false });
}

/** Reads so many messages of a peer that is `ready`, frame by frame. */
export async function readMessages({ socket }: BarePeer, count: number): Promise<Buffer[][]> {
  const messages: Buffer[][] = [];
  let frames: Buffer[] = [];
  let rest: Buffer[] = [];
  let held = 0;
  let needed = 0;
  for await (const chunk of chunksOf(socket)) {
    rest.push(chunk);
    held += chunk.length;
    if (held < needed) continue;
    let bytes = Buffer.concat(rest);
    for (;;) {
      const flags = bytes[0] ?? 0;
      const headBytes = (flags & LONG) === 0 ? 2 : 9;
      needed = headBytes;
      if (bytes.length < headBytes) break;
      const length = headBytes === 2 ? Number(bytes[1]) : Number(bytes.readBigUInt64BE(1));
      needed = headBytes + length;
      if (bytes.length < needed) break;
      frames.push(bytes.subarray(headBytes, needed));
      bytes = bytes.subarray(needed);
      if ((flags & MORE) !== 0) continue;
      messages.push(frames);
      frames = [];
    }
    rest = [bytes];
    held = bytes.length;
    if (messages.length >= count) break;
  }
  return messages;
}

export function frameOf(content: string | Uint8Array, more: boolean): Buffer {
  const body = Buffer.from(content);
  if (body.length < 256) return Buffer.concat([Buffer.of(more ? MORE : 0, body.length), body]);
  return Buffer.concat([longHead(BigInt(body.length), more), body]);
}

/** The start of a frame that says it has so many bytes. */
export function longHead(bytes: bigint, more: boolean): Buffer {
  const head = Buffer.alloc(9);
  head[0] = LONG | (more ? MORE : 0);
  head.writeBigUInt64BE(bytes, 1);
  return head;
}
