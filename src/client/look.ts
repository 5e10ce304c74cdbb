/**
 * A look at who is behind an address. libzmq's events carry no reasons, so this opens a connection of its own, exchanges
 * ZMTP greetings (RFC 23, https://rfc.zeromq.org/spec/23/) and reads what comes. It sends no message.
 */
import { connect } from "node:net";
import { parseAddress } from "../wire/address.ts";

/** What was found. */
export type Sighting =
  /** No connection: `code` is the system's, such as `ECONNREFUSED`, or `ABSTRACT` for what Node can't reach; without one nothing came within the time. */
  | { readonly kind: "unreached"; readonly code?: string; readonly message: string }
  /** A connection, and not a word; or it was closed, or cut, before one. */
  | { readonly kind: "silent" | "closed" | "cut" }
  /** Something else than ZeroMQ, with its name if it can be told. */
  | { readonly kind: "stranger"; readonly protocol?: string }
  /** ZMTP 1 or 2, or what begins like it. */
  | { readonly kind: "old" }
  | Greeted;

/** A ZeroMQ peer that has greeted. */
export interface Greeted {
  readonly kind: "zeromq";
  /** Of ZMTP, such as `3.1`. */
  readonly version: string;
  /** `NULL` asks for nothing, `PLAIN` for a password, `CURVE` for keys. */
  readonly mechanism: string;
  /** Such as `REP`. Absent if it asks for something first, or did not finish its handshake. */
  readonly socketType?: string;
}

const GREETING_BYTES = 64;
/**
 * ZMTP 3.0 with the mechanism NULL. First only as far as the version, which is enough for a peer to tell all of its own: one
 * with another mechanism hangs up as soon as it has read ours. Its READY follows unasked; ours might make it hang up before.
 */
const GREETING = Buffer.alloc(GREETING_BYTES);
GREETING.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
GREETING.write("NULL", 12, "latin1");
const UP_TO_VERSION = 12;
/** The part of the time after which a peer that first wants to read all of ours gets it. */
const PATIENCE = 0.25;

/** A READY is much shorter; what goes on is none. */
const LONGEST_HANDSHAKE_BYTES = 8192;

/** Looks for `withinMs` at most. Never rejects. */
export function look(address: string, withinMs: number): Promise<Sighting> {
  const target = parseAddress(address, "connect");
  if (target.transport === "ipc" && target.path.startsWith("@")) {
    const message = "a socket without a file can't be looked at from here";
    return Promise.resolve({ kind: "unreached", code: "ABSTRACT", message });
  }
  return new Promise((resolve) => {
    const socket = target.transport === "tcp" ? connect(target.port, target.host) : connect({ path: target.path });
    let received = Buffer.alloc(0);
    let connected = false;
    let restTimer: NodeJS.Timeout | undefined;
    const done = (sighting: Sighting): void => {
      clearTimeout(timer);
      clearTimeout(restTimer);
      socket.destroy();
      resolve(sighting);
    };
    const timer = setTimeout(() => {
      if (connected) done(received.length === 0 ? { kind: "silent" } : read(received));
      else done({ kind: "unreached", message: `no connection within ${withinMs} ms; the host does not answer` });
    }, withinMs);
    socket.once("connect", () => {
      connected = true;
      socket.write(GREETING.subarray(0, UP_TO_VERSION));
      restTimer = setTimeout(greetInFull, withinMs * PATIENCE);
    });
    const greetInFull = (): void => {
      clearTimeout(restTimer);
      if (restTimer !== undefined) socket.write(GREETING.subarray(UP_TO_VERSION));
      restTimer = undefined;
    };
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (isConclusive(received)) done(read(received));
      else if (received.length >= GREETING_BYTES) greetInFull();
    });
    socket.once("end", () => done(received.length > 0 ? read(received) : { kind: "closed" }));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (received.length > 0) done(read(received));
      else if (connected) done({ kind: "cut" });
      else done({ kind: "unreached", ...(code !== undefined && { code }), message });
    });
  });
}

function isGreeting(received: Buffer): boolean {
  return received[0] === 0xff && (received.length < 10 || received[9] === 0x7f);
}

function isConclusive(received: Buffer): boolean {
  if (!isGreeting(received) || received.length > LONGEST_HANDSHAKE_BYTES) return true;
  if (received.length < GREETING_BYTES) return false;
  return mechanismOf(received) !== "NULL" || socketTypeOf(received) !== undefined;
}

function read(received: Buffer): Sighting {
  if (!isGreeting(received)) {
    const protocol = protocolOf(received);
    return { kind: "stranger", ...(protocol !== undefined && { protocol }) };
  }
  if (received.length < GREETING_BYTES) return { kind: "old" };
  const socketType = socketTypeOf(received);
  return {
    kind: "zeromq",
    version: `${received[10]}.${received[11]}`,
    mechanism: mechanismOf(received),
    ...(socketType !== undefined && { socketType }),
  };
}

function protocolOf(received: Buffer): string | undefined {
  const beginning = received.toString("latin1", 0, 5);
  if (beginning === "HTTP/") return "HTTP";
  if (beginning.startsWith("SSH-")) return "SSH";
  // An alert of TLS 1.x.
  return received[0] === 0x15 && received[1] === 3 ? "TLS" : undefined;
}

/** Names as the specifications write them; what is none must not reach a terminal. */
function mechanismOf(received: Buffer): string {
  return received.toString("latin1", 12, 32).replace(/[^A-Z0-9_.+-].*$/s, "");
}

function socketTypeOf(received: Buffer): string | undefined {
  // The name is followed by the value's length in four bytes, the last of which counts: REP is 3, ROUTER 6.
  const name = "Socket-Type";
  const at = received.indexOf(name, GREETING_BYTES, "latin1");
  if (at < 0 || received.length < at + name.length + 4) return undefined;
  const start = at + name.length + 4;
  const length = received.readUInt32BE(start - 4);
  if (received.length < start + length) return undefined;
  return received.toString("latin1", start, start + Math.min(length, 16)).replace(/[^A-Z0-9_-].*$/s, "");
}
