/**
 * Why a server can't be reached, in plain words. libzmq's events carry no reason, so this looks for itself: it connects,
 * exchanges ZMTP greetings (RFC 23, https://rfc.zeromq.org/spec/23/) and reads who is there. It sends no message.
 */
import { connect, type Socket } from "node:net";
import { parseAddress } from "../wire/address.ts";

const GREETING_BYTES = 64;
/** However long the caller would wait. */
export const LONGEST_LOOK_MS = 1000;

/** One line about the address. Takes `withinMs`, and a second at most. Never rejects. */
export async function diagnose(address: string, withinMs: number): Promise<string> {
  const seen = await look(address, Math.min(withinMs, LONGEST_LOOK_MS));
  return `${address}: ${seen}`;
}

function look(address: string, withinMs: number): Promise<string> {
  const target = parseAddress(address, "connect");
  if (target.transport === "ipc" && target.path.startsWith("@")) return Promise.resolve("nobody serves this socket");
  return new Promise((resolve) => {
    const socket = target.transport === "tcp" ? connect(target.port, target.host) : connect({ path: target.path });
    let received = Buffer.alloc(0);
    let connected = false;
    const done = (words: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(words);
    };
    const timer = setTimeout(() => {
      if (!connected) done(`no connection within ${withinMs} ms; the host does not answer`);
      else if (received.length === 0) done("connected, but it says nothing: not a ZeroMQ peer");
      else done(words(received));
    }, withinMs);
    socket.once("connect", () => {
      connected = true;
      greet(socket);
    });
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (isConclusive(received)) done(words(received));
    });
    socket.once("end", () =>
      done(received.length > 0 ? words(received) : "it closes the connection at once: not a ZeroMQ peer"),
    );
    socket.once("error", (error: NodeJS.ErrnoException) => done(wordsForError(error)));
  });
}

/** A ZMTP 3.0 greeting with the NULL mechanism. The peer's READY follows unasked; ours might make it hang up before. */
function greet(socket: Socket): void {
  const greeting = Buffer.alloc(GREETING_BYTES);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]);
  greeting.write("NULL", 12, "latin1");
  socket.write(greeting);
}

function isGreeting(received: Buffer): boolean {
  return received[0] === 0xff && (received.length < 10 || received[9] === 0x7f);
}

function mechanismOf(received: Buffer): string {
  return received.toString("latin1", 12, 32).replace(/\0.*$/s, "");
}

function socketTypeOf(received: Buffer): string | undefined {
  // The name is followed by the value's length in four bytes, the last of which counts: REP is 3, ROUTER 6.
  const name = "Socket-Type";
  const at = received.indexOf(name, GREETING_BYTES, "latin1");
  if (at < 0 || received.length < at + name.length + 4) return undefined;
  const start = at + name.length + 4;
  const length = received.readUInt32BE(start - 4);
  return received.length < start + length
    ? undefined
    : received.toString("latin1", start, start + Math.min(length, 16));
}

function isConclusive(received: Buffer): boolean {
  if (!isGreeting(received)) return true;
  if (received.length < GREETING_BYTES) return false;
  return mechanismOf(received) !== "NULL" || socketTypeOf(received) !== undefined;
}

function words(received: Buffer): string {
  if (!isGreeting(received)) {
    const http = received.toString("latin1", 0, 5) === "HTTP/" ? " (it speaks HTTP)" : "";
    return `something else than ZeroMQ is there${http}`;
  }
  if (received.length < GREETING_BYTES) return "a peer with an older ZeroMQ protocol, or none, is there";
  const mechanism = mechanismOf(received);
  if (mechanism !== "NULL") return `the server asks for ${mechanism} security`;
  const type = socketTypeOf(received);
  if (type === undefined) return "a ZeroMQ peer that does not finish its handshake is there";
  if (type === "REP" || type === "ROUTER") return `a ${type} socket is there, but the connection did not hold`;
  return `a ${type} socket is there; requests need a REP or ROUTER`;
}

function wordsForError(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "connection refused; nobody listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NONAME":
      return "no such host";
    case "ENOENT":
      return "no such socket";
    case "EACCES":
      return "no permission to use this socket";
    case "ENOTSOCK":
      return "a file that is no socket is there";
    case "ECONNRESET":
    case "EPIPE":
      return "it cuts the connection: not a ZeroMQ peer";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no way to that host";
    default:
      return error.message;
  }
}
