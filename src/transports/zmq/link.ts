/**
 * One client's way to a server over two sockets, each with keys or without: a ROUTER that it alone reaches, at a path, and a
 * DEALER. Messages pass as they are, frame by frame, both ways and in order; what one side does not take is not read from the other.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Context, Dealer, Router, type SocketOptions } from "zeromq";
import { onTrouble, type Trouble } from "./trouble.ts";

/** Who is told of what passes, before it is sent on. The frames must not be changed. */
export interface Listener {
  request(frames: Buffer[], at: number): void;
  reply(frames: Buffer[], at: number): void;
}

/** What is known of the server: somebody has answered our handshake, or not. */
export type ServerNews = "up" | "gone" | Trouble;

export interface LinkOptions {
  readonly context: Context;
  /** Where the client's side is bound. */
  readonly path: string;
  readonly front: SocketOptions<Router>;
  readonly back: SocketOptions<Dealer>;
  /** As libzmq takes it. */
  readonly address: string;
  readonly listener: Listener;
  readonly onServer: (news: ServerNews) => void;
}

export interface Link {
  /** Delivers what was read of a client that has gone, and closes. */
  finish(): Promise<void>;
  close(): void;
}

/** Messages that wait on each of the four ways. A few are enough, and each may be large. */
const HIGH_WATER_MARK = 16;
/** What libzmq has not sent by then is lost; above it prints a warning. */
const LINGER_MS = 500;
/** A client that does not read gets its reply this much later than it might. */
const RETRY_MS = 2;
/** What was read of a peer that has gone is all there in less. */
const LAST_MESSAGES_MS = 50;
const LONGEST_FINISH_MS = 1000;

export function openLink(options: LinkOptions): Link {
  const { context, path, address, listener, onServer } = options;
  const common = {
    context,
    linger: LINGER_MS,
    sendHighWaterMark: HIGH_WATER_MARK,
    receiveHighWaterMark: HIGH_WATER_MARK,
  };
  // Mandatory and without a timeout, since a ROUTER drops what its peer does not take.
  const front = new Router({ ...common, ...options.front, mandatory: true, sendTimeout: 0 });
  let back: Dealer | undefined;
  let lastAt = performance.now();

  try {
    front.bindSync(`ipc://${path}`);
  } catch (error) {
    front.close();
    throw error;
  }

  function close(): void {
    front.close();
    back?.close();
  }

  /** Only now, since the server is to know the client by the id that it has given itself. One of the ROUTER's begins with a zero. */
  function openBack(id: Buffer): Dealer {
    // Its type knows text alone; libzmq and the binding take bytes.
    const own = id[0] !== 0 && { routingId: id as unknown as string };
    const socket = new Dealer({ ...common, ...options.back, ...own });
    let isUp = false;
    socket.events.on("handshake", () => {
      isUp = true;
      onServer("up");
    });
    onTrouble(socket, (trouble) => {
      if (socket.closed) return;
      onServer(trouble ?? "gone");
      // One that was never there is waited for, with what it is to get. To one that has been the client connects anew.
      if (isUp || trouble !== undefined) void finish();
    });
    socket.connect(address);
    void pump(socket, async (frames, at) => {
      listener.reply(frames, at);
      await deliver(front, [id, ...frames]);
    });
    return socket;
  }

  async function deliver(socket: Router | Dealer, frames: Buffer[]): Promise<void> {
    while (!socket.closed) {
      try {
        await socket.send(frames);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EHOSTUNREACH") return;
        // A client that does not read, or a signal of the system in the midst.
        await delay(RETRY_MS);
      }
    }
  }

  async function pump(socket: Router | Dealer, pass: (frames: Buffer[], at: number) => Promise<void>): Promise<void> {
    while (!socket.closed) {
      try {
        const frames = await socket.receive();
        lastAt = performance.now();
        await pass(frames, lastAt);
      } catch {
        // What is no message: the socket was closed, a signal came, a peer spoke nonsense. Nothing here may spin.
        await delay(RETRY_MS);
      }
    }
  }

  async function finish(): Promise<void> {
    const from = performance.now();
    lastAt = from;
    for (;;) {
      const now = performance.now();
      if (now - lastAt >= LAST_MESSAGES_MS || now - from >= LONGEST_FINISH_MS) break;
      await delay(LAST_MESSAGES_MS / 2);
    }
    close();
  }

  void pump(front, async ([id = Buffer.alloc(0), ...frames], at) => {
    if (back?.closed) return;
    back ??= openBack(id);
    listener.request(frames, at);
    await deliver(back, frames);
  });

  return { finish, close };
}
