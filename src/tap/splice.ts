/**
 * Joins each connection that a client makes with one to the target, and passes the bytes on, both ways, as they come.
 * Who watches is told of them once they are on their way. What one side does not take is not read from the other, so
 * nothing is lost and little is kept.
 */
import { createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Address } from "../wire/address.ts";
import { connectTo, listenAt, type Place, type StreamOptions } from "./listen.ts";

export interface SpliceOptions {
  readonly listen: Address;
  readonly target: Address;
  /** How a client's connection goes on, if it is not one to the target. Throws if it can't. */
  readonly through?: (() => Onward) | undefined;
  /** How long the target has to take a connection. */
  readonly connectMs: number;
  /** Called for each connection to the target, and asked about it. */
  readonly watch: () => Watcher;
  /** No further bytes are read before what it returns resolves; asked after each piece. */
  readonly hold: () => Promise<void> | undefined;
  /** Told of each connection that the target takes, or does not take, with the system's code of the reason. */
  readonly onTarget: (isThere: boolean, code: string) => void;
  /** Clients can't be taken any more, says the system. */
  readonly onFailed: (error: Error) => void;
}

export interface Onward {
  /** Takes what the client sends, and gives what it is to get. */
  readonly server: Socket;
  readonly watcher: Watcher;
}

/** Of one connection. Nothing here may throw. */
export interface Watcher {
  /** Bytes that are on their way, and when they were read; they must not be changed. */
  fromClient(chunk: Buffer, at: number): void;
  fromServer(chunk: Buffer, at: number): void;
  /** The client has gone. */
  end(): void;
  /** False if a request may be under way. */
  isSettled(): boolean;
}

export interface Splice {
  /** Listens; resolves with the real address. Rejects with a `ZmqEchoError` that says why it can't be had. */
  open(): Promise<string>;
  /** Begins to pass on. Clients that came since `open` have waited. */
  run(): void;
  /** Takes no clients and reads no requests any more, and closes once all is settled, or after a second. */
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly watcher: Watcher;
}

/** What waits in a stream for its peer before the other side is not read, in bytes. */
const HIGH_WATER_MARK = 256 * 1024;

const LONGEST_STOP_MS = 1000;
const LOOK_MS = 2;
/** Without a sign of life, for a peer that has to take what is left, when the other one has gone. */
const LAST_BYTES_MS = 30_000;
/** For clients that have to take their last replies. */
const LAST_REPLIES_MS = 300;

/** Each side may end before the other: who has sent its last request may still read. */
export const STREAM_OPTIONS: StreamOptions = { allowHalfOpen: true, highWaterMark: HIGH_WATER_MARK };

export function createSplice(spliced: SpliceOptions): Splice {
  const { listen, target, connectMs, watch, hold, onTarget, onFailed } = spliced;
  const through = spliced.through ?? (() => ({ server: connectTo(target, STREAM_OPTIONS), watcher: watch() }));
  const listener = createServer({ ...STREAM_OPTIONS, noDelay: true });
  const pairs = new Set<Pair>();
  /** Clients before `run`. */
  let early: Socket[] | undefined = [];
  let place: Place | undefined;
  let isFrozen = false;
  let isClosing = false;

  /** @param tell is told of each chunk that has been passed on */
  function pass(from: Socket, to: Socket, mayPass: () => boolean, tell: (chunk: Buffer, at: number) => void): void {
    let reasons = 0;
    const block = (): void => {
      if (reasons++ === 0) from.pause();
    };
    const unblock = (): void => {
      if (--reasons === 0) from.resume();
    };
    from.on("data", (chunk: Buffer) => {
      const at = performance.now();
      // Whoever should take it has gone, and soon `from` too.
      if (!to.writable || !mayPass()) return;
      // A write that the system took at once is no reason to wait, however large it was.
      if (!to.write(chunk) && to.writableLength >= to.writableHighWaterMark) {
        block();
        to.once("drain", unblock);
      }
      tell(chunk, at);
      const held = hold();
      if (held === undefined) return;
      block();
      held.then(unblock, unblock);
    });
    from.on("end", () => to.end());
  }

  function goOn(): Onward | undefined {
    try {
      return through();
    } catch (error) {
      onFailed(error as Error);
      return undefined;
    }
  }

  function join(client: Socket): void {
    if (client.destroyed) return;
    const onward = goOn();
    if (onward === undefined) {
      client.destroy();
      return;
    }
    const { server, watcher } = onward;
    const pair: Pair = { client, server, watcher };
    pairs.add(pair);
    let code = "";

    server.setTimeout(connectMs, () => server.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })));
    let isThere = false;
    server.once("connect", () => {
      server.setTimeout(0);
      isThere = true;
      onTarget(true, "");
    });
    server.on("error", (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message;
    });
    server.on("close", () => {
      if (!isThere && code !== "") onTarget(false, code);
      // Its client finds out by this, and tries again by itself. What it was sent is sent first.
      if (!isClosing) finish(client);
    });
    client.on("close", () => {
      pairs.delete(pair);
      finish(server);
      watcher.end();
    });

    pass(client, server, () => !isFrozen, watcher.fromClient);
    pass(server, client, () => true, watcher.fromServer);
  }

  listener.on("connection", (client: Socket) => {
    // What goes wrong ends in its close, too.
    client.on("error", () => {});
    if (early === undefined) join(client);
    else early.push(client);
  });

  return {
    async open() {
      place = await listenAt(listener, listen);
      listener.on("error", onFailed);
      return place.text;
    },

    run() {
      const clients = early ?? [];
      early = undefined;
      clients.forEach(join);
    },

    async stop() {
      const from = performance.now();
      place?.removeFile();
      listener.close();
      isFrozen = true;
      const isSettled = () => [...pairs].every(({ watcher }) => watcher.isSettled());
      while (!isSettled() && performance.now() - from < LONGEST_STOP_MS) await delay(LOOK_MS);
      isClosing = true;
      for (const { client, server } of pairs) {
        server.destroy();
        // Closed with something unread, it would take back the replies that are still on their way.
        client.end();
        client.resume();
      }
      const closing = performance.now();
      while (pairs.size > 0 && performance.now() - closing < LAST_REPLIES_MS) await delay(LOOK_MS);
      for (const { client } of pairs) client.destroy();
      for (const client of early ?? []) client.destroy();
    },
  };
}

/** Sends what waits, and closes. */
function finish(socket: Socket): void {
  socket.destroySoon();
  socket.setTimeout(LAST_BYTES_MS, () => socket.destroy());
}
