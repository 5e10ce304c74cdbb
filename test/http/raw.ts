/** HTTP by hand: bytes to a port, and what comes back until the other side hangs up. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface RawPeer {
  readonly socket: Socket;
  /** What has come so far. */
  received(): string;
  /** Resolves with all that came, when either side has hung up. */
  readonly closed: Promise<string>;
}

/** A connection that has sent this, and does not read on while it is paused. */
export async function connectRaw(url: string | undefined, text: string | Uint8Array = ""): Promise<RawPeer> {
  const { port, hostname } = new URL(String(url));
  const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
  onTestFinished(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  const received = () => Buffer.concat(chunks).toString();
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(received())));
  await once(socket, "connect");
  // Whatever happens from now on, it hangs up or is hung up on.
  socket.on("error", () => {});
  socket.write(text);
  return { socket, received, closed };
}

/** What such a request gets, until the host hangs up. */
export async function askRaw(url: string | undefined, text: string | Uint8Array): Promise<string> {
  return (await connectRaw(url, text)).closed;
}
