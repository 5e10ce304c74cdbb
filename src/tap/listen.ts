/** Listens and connects as libzmq does for the same addresses, but with the system's own streams. */
import { once } from "node:events";
import { connect, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { ZmqEchoError } from "../errors.ts";
import { explainBindError } from "../transports/zmq/attach.ts";
import { bindFile, removeOwn } from "../transports/zmq/ipc.ts";
import { type Address, LONGEST_IPC_PATH, type TcpAddress } from "../wire/address.ts";

export interface Place {
  /** The real address, a chosen port filled in. */
  readonly text: string;
  /** Call it before the server is closed: afterwards somebody else may own the path. */
  removeFile(): void;
}

/** Node's, of both streams of a connection. */
export interface StreamOptions {
  readonly allowHalfOpen: boolean;
  /** Bytes. */
  readonly highWaterMark: number;
}

/** Connections that the system takes before they are accepted. */
const BACKLOG = 4096;

/** Only the owner reaches an ipc socket. */
const IPC_MODE = 0o700;

/** Rejects with a `ZmqEchoError` that names address and reason. */
export async function listenAt(server: Server, address: Address): Promise<Place> {
  try {
    if (address.transport === "tcp") return await listenTcp(server, address);
    const file = await bindFile(address.path, IPC_MODE, (path) => listenAtPath(server, path));
    return { text: address.text, removeFile: () => removeOwn(file) };
  } catch (error) {
    server.close();
    throw ZmqEchoError.is(error) ? error : explainBindError(address, error as NodeJS.ErrnoException);
  }
}

/** Not connected yet. */
export function connectTo(address: Address, options: StreamOptions): Socket {
  if (address.transport === "ipc") return connect({ ...options, path: address.path });
  const { host, port } = address;
  // libzmq looks a name up as IPv4 unless it is told otherwise, which the clients are not.
  return connect({ ...options, host, port, family: host.includes(":") ? 6 : 4, noDelay: true });
}

async function listenTcp(server: Server, { text, host, port }: TcpAddress): Promise<Place> {
  await listening(server, { host: ipOf(host), port });
  const bound = server.address();
  if (port !== 0 || bound === null || typeof bound === "string") return { text, removeFile() {} };
  const shown = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return { text: `tcp://${shown}:${bound.port}`, removeFile() {} };
}

/** A name is that of a network interface, as for libzmq: Node would ask the DNS for it. */
function ipOf(host: string): string {
  if (host === "*") return "0.0.0.0";
  if (host.includes(":") || /^[\d.]+$/.test(host)) return host;
  const found = networkInterfaces()[host]?.find(({ family }) => family === "IPv4");
  if (found === undefined) throw Object.assign(new Error(`no interface ${host}`), { code: "ENODEV" });
  return found.address;
}

async function listenAtPath(server: Server, path: string): Promise<void> {
  // Node would cut the path, and listen elsewhere.
  if (Buffer.byteLength(path) > LONGEST_IPC_PATH) {
    throw Object.assign(new Error("the path is too long"), { code: "ENAMETOOLONG" });
  }
  await listening(server, { path });
}

async function listening(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  server.listen({ ...where, backlog: BACKLOG });
  await once(server, "listening");
}
