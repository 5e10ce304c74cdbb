/**
 * Strict addresses. libzmq silently misreads some (`tcp://*:70000` binds port 4464, `:80x` binds 80), so nothing
 * reaches it that was not read here first. Forms: https://libzmq.readthedocs.io/en/latest/zmq_tcp.html and zmq_ipc.html
 */
import { isIPv4, isIPv6 } from "node:net";
import { ZmqEchoError } from "../errors.ts";
import { printableLine } from "../printable.ts";

/** What the address is for: a server's own place, or where a client finds it. */
export type AddressUse = "bind" | "connect";

export interface TcpAddress {
  readonly transport: "tcp";
  /** The text that libzmq gets. */
  readonly text: string;
  /** A name, an IPv4 or IPv6 address without brackets, or `*` (bind only: every interface). */
  readonly host: string;
  /** 1 to 65535; 0 stands for `*`: the system chooses (bind only). */
  readonly port: number;
}

export interface IpcAddress {
  readonly transport: "ipc";
  readonly text: string;
  /** The socket's path; one that starts with `@` is in Linux's abstract namespace and has no file. */
  readonly path: string;
}

export type Address = TcpAddress | IpcAddress;

/** `sun_path` of Linux's unix(7) holds 108 bytes with the final zero. */
export const LONGEST_IPC_PATH = 107;

/**
 * Reads `tcp://HOST:PORT` or `ipc://PATH`.
 * Throws `invalid_argument` with what to write instead.
 */
export function parseAddress(text: string, use: AddressUse): Address {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "tcp" && text.startsWith("tcp://")) return parseTcp(text, text.slice("tcp://".length), use);
  if (scheme === "ipc" && text.startsWith("ipc://")) return parseIpc(text, text.slice("ipc://".length));
  if (scheme === "tcp" || scheme === "ipc") throw bad(text, `write the scheme in lower case: ${scheme}://`);
  if (scheme === "inproc")
    throw bad(text, "inproc reaches only sockets of the same context, and each host has its own; use ipc://");
  if (scheme !== undefined) throw bad(text, `${scheme}:// is not served; use tcp:// or ipc://`);
  throw bad(
    text,
    `an address starts with tcp:// or ipc://${/^[^/]+:\d+$/.test(text) ? `; did you mean tcp://${text}?` : ""}`,
  );
}

/** True if only this machine can reach it. */
export function isLoopback(address: Address): boolean {
  if (address.transport === "ipc") return true;
  return (
    address.host === "localhost" || address.host === "::1" || (isIPv4(address.host) && address.host.startsWith("127."))
  );
}

/** Where a client on this machine reaches what is bound here: a wildcard host becomes 127.0.0.1. */
export function reachable(text: string): string {
  return text
    .replace(/^tcp:\/\/(\*|0\.0\.0\.0)(?=:)/, "tcp://127.0.0.1")
    .replace(/^tcp:\/\/\[::\](?=:)/, "tcp://[::1]");
}

function parseTcp(text: string, rest: string, use: AddressUse): TcpAddress {
  if (rest.includes(";")) throw bad(text, "a source address (the part before ;) is not supported");
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(rest);
  if (parts === null || (!rest.startsWith("[") && rest.indexOf(":") !== rest.lastIndexOf(":")))
    throw bad(text, "write an IPv6 address in brackets, as in tcp://[::1]:25933");
  const [, host = "", port] = parts;
  if (port === undefined || port === "") throw bad(text, `the port is missing: tcp://${host || "127.0.0.1"}:25933`);
  return { transport: "tcp", text, host: parseHost(text, host, use), port: parsePort(text, port, use) };
}

function parseHost(text: string, host: string, use: AddressUse): string {
  if (host.startsWith("[")) {
    const inner = host.slice(1, -1);
    if (!isIPv6(inner)) throw bad(text, `${host} holds no IPv6 address`);
    return inner;
  }
  if (host === "")
    throw bad(text, `the host is missing; for this machine alone: tcp://127.0.0.1${text.slice("tcp://".length)}`);
  if (host === "*") {
    if (use === "bind") return host;
    throw bad(text, "* is for binding; to connect, name the host, such as 127.0.0.1");
  }
  if (/^[\d.]+$/.test(host)) {
    if (!isIPv4(host)) throw bad(text, `${host} is no IPv4 address (four numbers from 0 to 255)`);
    if (use === "connect" && host === "0.0.0.0")
      throw bad(text, "0.0.0.0 is for binding; to connect, name the host, such as 127.0.0.1");
    return host;
  }
  if (use === "bind" && host === "localhost") {
    throw bad(text, `libzmq does not bind names; write ${text.replace("localhost", "127.0.0.1")}`);
  }
  // Host names of RFC 1123, and names of network interfaces (bind only), which allow a little more.
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/i.test(host) || host.length > 253 || host.includes("..")) {
    throw bad(text, `"${host}" is no host name`);
  }
  return host;
}

function parsePort(text: string, port: string, use: AddressUse): number {
  if (port === "*" || port === "0") {
    if (use === "bind") return 0;
    throw bad(text, `port ${port} is for binding (the system chooses one); to connect, name the port`);
  }
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
    throw bad(text, `"${port}" is no port; ports are 1 to 65535${use === "bind" ? ", or * for any free one" : ""}`);
  }
  return Number(port);
}

function parseIpc(text: string, path: string): IpcAddress {
  if (path === "" || path === "@") throw bad(text, "the path is missing: ipc:///run/zmqecho/echo");
  if (path === "*") throw bad(text, "name a path; clients could not know one that libzmq makes up");
  if (path.includes("\0")) throw bad(text, "a path holds no NUL byte");
  const bytes = Buffer.byteLength(path);
  if (bytes > LONGEST_IPC_PATH) {
    throw bad(text, `the path has ${bytes} bytes; a socket's may have ${LONGEST_IPC_PATH} at most`);
  }
  return { transport: "ipc", text, path };
}

function bad(text: string, why: string): ZmqEchoError {
  return new ZmqEchoError("invalid_argument", printableLine(`address ${JSON.stringify(text)}: ${why}`));
}

/** Whether two sockets can't have these at the same time. */
export function overlap(one: Address, other: Address): boolean {
  if (one.transport === "tcp") return other.transport === "tcp" && one.port !== 0 && one.port === other.port;
  return other.transport === "ipc" && one.path === other.path;
}
