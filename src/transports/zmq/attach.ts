/** Gives a socket its places: binds or connects it, and says in plain words why an address can't be had. */
import type { Router } from "zeromq";
import { ZmqEchoError } from "../../errors.ts";
import { type Address, parseAddress } from "../../wire/address.ts";
import { type BoundFile, bindFile, removeOwn } from "./ipc.ts";

export interface Places {
  readonly bind: readonly string[];
  readonly connect: readonly string[];
  /** Permissions of ipc sockets. */
  readonly ipcMode: number;
}

export interface Attached {
  /** The real addresses, a chosen port filled in; connected ones as they were given. */
  readonly addresses: readonly string[];
  /** Removes the files of our ipc sockets; call it before the socket is closed, since a newcomer may own the path right after. */
  removeFiles(): void;
}

/** True if a socket for these needs libzmq's `ipv6` option, which is off by default. */
export function needsIpv6(places: Places): boolean {
  return [...places.bind, ...places.connect].some((text) => text.startsWith("tcp://["));
}

/** Rejects with a `ZmqEchoError` that names address and reason; the caller closes the socket then. */
export async function attach(socket: Router, places: Places): Promise<Attached> {
  const addresses: string[] = [];
  const files: BoundFile[] = [];
  const removeFiles = (): void => files.forEach(removeOwn);
  try {
    for (const text of places.bind) {
      addresses.push(await bind(socket, parseAddress(text, "bind"), places.ipcMode, files));
    }
    for (const text of places.connect) {
      socket.connect(parseAddress(text, "connect").text);
      addresses.push(text);
    }
  } catch (error) {
    removeFiles();
    throw error;
  }
  return { addresses, removeFiles };
}

async function bind(socket: Router, address: Address, ipcMode: number, files: BoundFile[]): Promise<string> {
  const { text } = address;
  try {
    if (address.transport === "ipc" && !address.path.startsWith("@")) {
      files.push(await bindFile(address.path, ipcMode, (path) => socket.bindSync(`ipc://${path}`)));
      return text;
    }
    const anyPort = address.transport === "tcp" && address.port === 0;
    // libzmq knows only * for a port of its choice.
    await socket.bind(anyPort ? text.replace(/:0$/, ":*") : text);
    return anyPort ? (socket.lastEndpoint ?? text) : text;
  } catch (error) {
    throw ZmqEchoError.is(error) ? error : explainBindError(address, error as NodeJS.ErrnoException);
  }
}

/** Why it can't be had, in plain words, from what libzmq or the system says. */
export function explainBindError(address: Address, error: NodeJS.ErrnoException): ZmqEchoError {
  const why = reasonOf(address, error.code ?? "");
  return new ZmqEchoError("unavailable", `can't bind ${address.text}: ${why ?? error.message}`, { cause: error });
}

function reasonOf(address: Address, code: string): string | undefined {
  const host = address.transport === "tcp" ? address.host : "";
  switch (code) {
    case "EADDRINUSE":
      return "another socket has this address; stop it, or choose another port (* for any free one)";
    case "EADDRNOTAVAIL":
      return `${host} is no address of this machine; * binds all there are`;
    case "ENODEV":
      return `${host} is neither an address nor a network interface of this machine; libzmq does not bind names`;
    case "EACCES":
      return address.transport === "tcp" ? "ports below 1024 need privileges" : "no permission to write in its folder";
    case "ENOENT":
      return "its folder does not exist";
    case "ENAMETOOLONG":
      return "the path is too long for a socket";
    default:
      return undefined;
  }
}
