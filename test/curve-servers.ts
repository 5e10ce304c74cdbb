/** Servers that ask for CURVE keys, and are not ours: zeromq.js sockets, with a ZAP handler of the test's own. */
import { onTestFinished } from "vitest";
import { Context, curveKeyPair, Dealer, Router } from "zeromq";
import { ANY_PORT } from "./hosts.ts";

export type Pair = ReturnType<typeof curveKeyPair>;

export interface CurveServer {
  readonly address: string;
  readonly keys: Pair;
  /** The socket, to be closed before the test ends. */
  readonly socket: Router;
}

export interface CurveServerOptions {
  readonly keys?: Pair;
  /** What a ZAP handler says to each key, in Z85 or as bytes; without one any key is taken. */
  readonly zap?: (key: Buffer) => "200" | "300" | "400" | "500" | "silence";
  readonly address?: string;
}

/** A ROUTER that echoes whatever it is sent, envelope and all. */
export async function curveServer(options: CurveServerOptions = {}): Promise<CurveServer> {
  const server = await bindServer(options);
  void echo(server.socket);
  return server;
}

/** One that passes messages on to a server without keys, and replies back. `passed` tells how many messages went there. */
export async function curveBroker(to: string): Promise<CurveServer & { passed(): number }> {
  const server = await bindServer({});
  const backend = new Dealer({ linger: 0 });
  onTestFinished(() => backend.close());
  backend.connect(to);
  let passed = 0;
  void (async () => {
    for await (const frames of server.socket) {
      passed++;
      await backend.send(frames);
    }
  })();
  void (async () => {
    for await (const frames of backend) await server.socket.send(frames);
  })();
  return { ...server, passed: () => passed };
}

async function bindServer(options: CurveServerOptions): Promise<CurveServer> {
  const { keys = curveKeyPair(), zap, address = ANY_PORT } = options;
  const context = new Context();
  if (zap !== undefined) await handleZap(context, zap);
  const socket = new Router({
    context,
    linger: 0,
    curveServer: true,
    curveSecretKey: keys.secretKey,
    ...(zap !== undefined && { zapDomain: "test", zapEnforceDomain: true }),
  });
  onTestFinished(() => socket.close());
  await socket.bind(address);
  return { address: socket.lastEndpoint ?? "", keys, socket };
}

/** The same without keys. */
export async function openServer(): Promise<string> {
  const socket = new Router({ linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind(ANY_PORT);
  void echo(socket);
  return socket.lastEndpoint ?? "";
}

async function echo(socket: Router): Promise<void> {
  for await (const frames of socket) await socket.send(frames);
}

/** ZAP (https://rfc.zeromq.org/spec/27/) for one context. */
async function handleZap(context: Context, answer: NonNullable<CurveServerOptions["zap"]>): Promise<void> {
  const socket = new Router({ context, linger: 0 });
  onTestFinished(() => socket.close());
  await socket.bind("inproc://zeromq.zap.01");
  void (async () => {
    for await (const frames of socket) {
      const end = frames.findIndex((frame) => frame.length === 0) + 1;
      const [version = "", id = "", , , , , key = Buffer.alloc(0)] = frames.slice(end);
      const status = answer(key);
      if (status !== "silence") await socket.send([...frames.slice(0, end), version, id, status, "", "", ""]);
    }
  })();
}
