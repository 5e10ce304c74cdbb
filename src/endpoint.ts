/** One endpoint that is open: a core and a socket, as its configuration has them. */
import { isDeepStrictEqual } from "node:util";
import { matcherOf } from "./assemble.ts";
import type { Body } from "./codecs/codec.ts";
import type { EndpointConfig } from "./config/effective.ts";
import type { CallHook, Load } from "./core/call.ts";
import { type CoreOptions, type CoreSettings, createCore } from "./core/core.ts";
import { isAllowed, type Keyring } from "./curve/keyring.ts";
import { ZmqEchoError } from "./errors.ts";
import type { Log } from "./handler.ts";
import type { FindCodec } from "./loader/codec-catalog.ts";
import type { ServedCodec } from "./runtime/recipe.ts";
import { createAnswerer, type Introspection, plainFraming, zepFraming } from "./transports/zmq/framing.ts";
import { createZmqTransport, type ZmqOptions, type ZmqSettings } from "./transports/zmq/transport.ts";
import type { Zap } from "./transports/zmq/zap.ts";
import { isLoopback, overlap, parseAddress } from "./wire/address.ts";

export interface EndpointOptions extends Omit<CoreOptions, keyof CoreSettings> {
  /** What an endpoint with this configuration, which serves handlers by name, tells of the host. */
  readonly introspectionFor: (endpoint: EndpointConfig) => Introspection;
  readonly log: Log;
}

export interface EndpointLoad extends Load {
  readonly config: EndpointConfig;
  /** Replies that no peer took. */
  readonly droppedReplies: number;
  /** Clients whose keys were not allowed; absent if it asks for none. */
  readonly refusedKeys?: number;
}

/** What all endpoints share, and a reload may change. */
export interface Shared {
  /** The codecs of an endpoint, which has limits of its own. */
  readonly codecsFor: (endpoint: EndpointConfig) => FindCodec;
  /** Told of an endpoint's calls. */
  readonly hooksFor: (endpoint: EndpointConfig) => readonly CallHook[];
}

/** Where an endpoint's socket is, and whom it lets in. */
export interface Entrance extends Pick<ZmqOptions, "context"> {
  /** Of an endpoint that asks for keys, as is `zap`. */
  readonly keyring?: Keyring | undefined;
  readonly zap?: Zap | undefined;
  /** Addresses it had before, to be bound again: ports that were free then are chosen now. */
  readonly bind?: readonly string[] | undefined;
}

export interface OpenEndpoint {
  readonly name: string;
  readonly config: EndpointConfig;
  readonly keyring: Keyring | undefined;
  /** The real ones, ports filled in. */
  readonly addresses: readonly string[];
  /** What comes before waits in the socket. */
  serve(): void;
  /** From the next message on. The socket must be the same, as {@link hasSameSocket} has it. */
  configure(config: EndpointConfig, shared: Shared): void;
  /** Those who connect from now on are judged by it; those who are connected stay. */
  admit(keyring: Keyring): void;
  load(): EndpointLoad;
  serves(handler: string): boolean;
  findCodec(name: string): ServedCodec | undefined;
  /** A request that does not come over the socket, frame by frame as if it did. Never rejects. */
  answer(frames: Body): Promise<Body>;
  stopReading(): Promise<void>;
  /** Answers what has been read, for `graceMs` at most; what comes then is `unavailable`, and told why. */
  drain(graceMs: number, why?: string): Promise<void>;
  close(): Promise<void>;
}

/** Rejects with a `ZmqEchoError` if an address can't be had. */
export async function openEndpoint(
  name: string,
  first: EndpointConfig,
  shared: Shared,
  options: EndpointOptions,
  entrance: Entrance,
): Promise<OpenEndpoint> {
  const { introspectionFor, log } = options;
  const { context, zap, bind = first.bind } = entrance;
  let config = first;
  let keyring = entrance.keyring;
  // An endpoint that is to ask for keys and can't is not opened.
  if (config.curve !== undefined && (keyring === undefined || zap === undefined))
    throw new ZmqEchoError("internal", `endpoint ${name} has no keys`);
  const domain = keyring && zap?.decide(name, (key) => isAllowed(keyring, key));
  const transport = createZmqTransport({
    endpoint: name,
    places: { bind, connect: config.connect, ipcMode: Number.parseInt(config.ipcMode, 8) },
    socketLimits: config.limits,
    ...zmqSettings(config, introspectionFor),
    context,
    keys: keyring && domain && { pair: keyring.pair, domain: domain.name },
    log,
  });
  const addresses = await transport.open().catch((error: unknown) => {
    domain?.forget();
    throw error;
  });
  let settings = coreSettings(config, shared);
  const core = createCore({ ...options, ...settings });
  return {
    name,
    get config() {
      return config;
    },
    get keyring() {
      return keyring;
    },
    addresses,
    serve() {
      transport.serve(core);
      announce(log, name, config, addresses);
    },
    admit(next) {
      keyring = next;
    },
    configure(next, nextShared) {
      config = next;
      settings = coreSettings(config, nextShared);
      core.configure(settings);
      transport.configure(zmqSettings(config, introspectionFor));
    },
    serves: (handler) => settings.allows(handler),
    findCodec: (codec) => settings.findCodec(codec),
    async answer(frames) {
      const { framing, limits } = zmqSettings(config, introspectionFor);
      return createAnswerer(core, framing, limits).answer(frames, { transport: "http", endpoint: name, peer: "http" });
    },
    load: () => ({
      config,
      droppedReplies: transport.dropped(),
      ...(domain !== undefined && { refusedKeys: domain.refused() }),
      ...core.load(),
    }),
    stopReading: transport.stopReading,
    drain: core.drain,
    async close() {
      await transport.close();
      domain?.forget();
    },
  };
}

function coreSettings(config: EndpointConfig, { codecsFor, hooksFor }: Shared): CoreSettings {
  const { concurrency, queue } = config;
  return { allows: matcherOf(config), findCodec: codecsFor(config), concurrency, queue, hooks: hooksFor(config) };
}

function zmqSettings(config: EndpointConfig, introspectionFor: EndpointOptions["introspectionFor"]): ZmqSettings {
  const { handler, codec, handlers, introspection, limits, concurrency } = config;
  const framing =
    handlers === undefined
      ? plainFraming(handler, codec)
      : zepFraming(limits, introspection ? introspectionFor(config) : undefined);
  return { framing, limits, lockStep: concurrency === 1 };
}

/** Whether the one can go on with the other's socket: what libzmq is told of it is the same. */
export function hasSameSocket(one: EndpointConfig | undefined, other: EndpointConfig | undefined): boolean {
  return one !== undefined && other !== undefined && isDeepStrictEqual(socketOf(one), socketOf(other));
}

function socketOf({ bind, connect, ipcMode, limits, curve }: EndpointConfig): object {
  const { maxMessageBytes, handshakeMs, lingerMs } = limits;
  return { bind, connect, ipcMode, maxMessageBytes, handshakeMs, lingerMs, curve };
}

/** Whether both can't be bound at once. */
export function overlaps(one: EndpointConfig, other: EndpointConfig): boolean {
  return one.bind.some((mine) =>
    other.bind.some((theirs) => overlap(parseAddress(mine, "bind"), parseAddress(theirs, "bind"))),
  );
}

function announce(log: Log, endpoint: string, { bind, curve }: EndpointConfig, reached: readonly string[]): void {
  for (const [index, address] of reached.entries()) {
    const bound = index < bind.length;
    log.info({ endpoint }, `${bound ? "listening on" : "connecting to"} ${address}`);
    if (bound && curve === undefined && !isLoopback(parseAddress(address, "bind"))) {
      log.warn({ endpoint }, `${address} is open to whoever reaches this machine: no keys are asked for`);
    }
  }
}
