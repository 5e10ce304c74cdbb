/**
 * Joins clients with a server where one of them asks for keys, or both: each client gets two sockets of its own, so that what
 * becomes of its connection is known. Its bytes come as a stream, since whoever listens for it decides how.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Context } from "zeromq";
import { DEFAULTS } from "../../config/defaults.ts";
import { isAllowed, type Keyring } from "../../curve/keyring.ts";
import type { KeyPair } from "../../curve/pair.ts";
import { ZmqEchoError } from "../../errors.ts";
import type { Log } from "../../handler.ts";
import { LONGEST_IPC_PATH, parseAddress } from "../../wire/address.ts";
import { type Link, type Listener, openLink, type ServerNews } from "./link.ts";
import { curveOptions } from "./transport.ts";
import { type Domain, openZap, type Zap } from "./zap.ts";

export interface BridgeOptions {
  /** Of the server, `tcp://HOST:PORT` or `ipc://PATH`. */
  readonly address: string;
  /** Of a server that asks for keys: its own, and the pair by which it is to know us. */
  readonly server?: (KeyPair & { readonly serverKey: string }) | undefined;
  /** If we ask clients for keys: whom we let in. */
  readonly keyring?: Keyring | undefined;
  readonly mostClients: number;
  readonly onServer: (news: ServerNews) => void;
  /** Of keys that are refused. */
  readonly log: Log;
}

export interface Bridge {
  /**
   * A new client's stream; its end is the end of the client. Throws `resource_exhausted` if there are too many.
   * @param options Node's, of the stream
   */
  join(listener: Listener, options: { readonly allowHalfOpen: boolean; readonly highWaterMark: number }): Socket;
  /** Clients are judged by it from now on; those that are in by a key that is not there any more are cut off. */
  admit(keyring: Keyring): void;
  close(): Promise<void>;
}

interface Client {
  readonly link: Link;
  readonly stream: Socket;
  readonly domain: Domain | undefined;
  /** What it was let in with: the pair of ours that it knows, and the key of its own. */
  readonly pair: KeyPair | undefined;
  readonly key: () => Uint8Array | undefined;
}

/** Two for each client, and those by which libzmq tells of one of them. */
const SOCKETS_PER_CLIENT = 8;

/** Makes a folder that nobody else can enter; `close` removes it. */
export async function openBridge(options: BridgeOptions): Promise<Bridge> {
  const { server, mostClients, onServer, log } = options;
  const address = parseAddress(options.address, "connect").text;
  const context = new Context({ maxSockets: mostClients * SOCKETS_PER_CLIENT + 16 });
  const folder = mkdtempSync(join(tmpdir(), "zmqecho-tap-"));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeFolder);
  if (Buffer.byteLength(join(folder, "1234567890")) > LONGEST_IPC_PATH)
    throw new ZmqEchoError("failed_precondition", `${folder} is too long a path for sockets; set TMPDIR to another`);
  const zap: Zap | undefined = options.keyring && (await openZap(context, log));
  const clients = new Set<Client>();
  let keyring = options.keyring;
  let count = 0;

  function open(listener: Listener, streamOptions: Parameters<Bridge["join"]>[1]): Socket {
    let key: Uint8Array | undefined;
    const domain = zap?.decide("listen", (theirs) => {
      key = Uint8Array.from(theirs);
      return isAllowed(keyring, theirs);
    });
    const pair = keyring?.pair;
    const path = join(folder, String(++count));
    try {
      const link = openLink({
        context,
        path,
        front: {
          handshakeInterval: DEFAULTS.limits.handshakeMs,
          ...(pair !== undefined && domain !== undefined && curveOptions({ pair, domain: domain.name })),
        },
        back: {
          handshakeInterval: DEFAULTS.limits.handshakeMs,
          ipv6: address.startsWith("tcp://["),
          ...(server !== undefined && {
            curveServerKey: server.serverKey,
            curvePublicKey: server.publicKey,
            curveSecretKey: server.secretKey,
          }),
        },
        address,
        listener,
        onServer,
      });
      const stream = connect({ path, ...streamOptions });
      const client = { link, stream, domain, pair, key: () => key };
      clients.add(client);
      stream.once("close", () => void end(client, path));
      return stream;
    } catch (error) {
      domain?.forget();
      throw error;
    }
  }

  async function end(client: Client, path: string): Promise<void> {
    await client.link.finish();
    clients.delete(client);
    client.domain?.forget();
    rmSync(path, { force: true });
  }

  return {
    join(listener, streamOptions) {
      if (clients.size >= mostClients)
        throw new ZmqEchoError("resource_exhausted", `${mostClients} clients are here, and no more can be`);
      return open(listener, streamOptions);
    },
    admit(next) {
      keyring = next;
      for (const { stream, pair, key } of clients) {
        const theirs = key();
        const isOut = pair?.secretKey !== next.pair.secretKey || (theirs !== undefined && !isAllowed(next, theirs));
        if (isOut) stream.destroy();
      }
    },
    async close() {
      for (const { link, stream } of clients) {
        stream.destroy();
        link.close();
      }
      await zap?.close();
      process.off("exit", removeFolder);
      removeFolder();
    },
  };
}
