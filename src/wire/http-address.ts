/** Where an HTTP server listens: `HOST:PORT`, as strictly read as the addresses of ZeroMQ. */
import { isIP } from "node:net";
import { ZmqEchoError } from "../errors.ts";
import { isLoopback, parseAddress } from "./address.ts";

export interface HttpAddress {
  /** An IPv4 or IPv6 address without brackets, or `*`: every interface. */
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Whether only this machine can reach it. */
  readonly isLoopback: boolean;
}

/**
 * Reads `127.0.0.1:9464`, `[::1]:9464`, `*:9464`, `127.0.0.1:*`.
 * Throws `invalid_argument` with what to write instead.
 */
export function parseHttpAddress(text: string): HttpAddress {
  const bad = (why: string) => new ZmqEchoError("invalid_argument", `address ${JSON.stringify(text)}: ${why}`);
  if (/^https?:/i.test(text)) throw bad("write host and port alone, such as 127.0.0.1:9464");
  if (!/.:./.test(text)) throw bad("an address is HOST:PORT, such as 127.0.0.1:9464");
  if (!text.startsWith("[") && text.indexOf(":") !== text.lastIndexOf(":"))
    throw bad("write an IPv6 address in brackets, as in [::1]:9464");
  const name = /^([a-z][\w.-]*):/i.exec(text)?.[1];
  if (name !== undefined)
    throw bad(`names are not bound; write an IP address, such as ${text.replace(name, "127.0.0.1")}`);
  try {
    const address = parseAddress(`tcp://${text}`, "bind");
    if (address.transport !== "tcp" || (address.host !== "*" && isIP(address.host) === 0))
      throw bad("an address is HOST:PORT, such as 127.0.0.1:9464");
    return { host: address.host, port: address.port, isLoopback: isLoopback(address) };
  } catch (error) {
    throw ZmqEchoError.is(error) ? new ZmqEchoError(error.code, error.message.replaceAll("tcp://", "")) : error;
  }
}
