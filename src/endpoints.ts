/** The endpoints that a host has open: each a core and a socket, opened, changed and closed to follow a configuration. */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { matcherOf } from "./assemble.ts";
import type { Config, EndpointConfig } from "./config/effective.ts";
import type { Load } from "./core/call.ts";
import { type ConfigurableCore, type CoreOptions, type CoreSettings, createCore } from "./core/core.ts";
import type { Log } from "./handler.ts";
import type { FindCodec } from "./loader/codec-catalog.ts";
import { giveBackContext, takeContext } from "./transports/zmq/context.ts";
import { type Introspection, plainFraming, zepFraming } from "./transports/zmq/framing.ts";
import { createZmqTransport, type ZmqSettings, type ZmqTransport } from "./transports/zmq/transport.ts";
import { isLoopback, overlap, parseAddress } from "./wire/address.ts";

export interface EndpointsOptions extends Omit<CoreOptions, keyof CoreSettings> {
  /** What an endpoint with this configuration, which serves handlers by name, tells of the host. */
  readonly introspectionFor: (endpoint: EndpointConfig) => Introspection;
  readonly log: Log;
}

/** What the endpoints should be. */
export interface EndpointsPlan {
  readonly endpoints: Config["endpoints"];
  codecsFor(endpoint: EndpointConfig): FindCodec;
  /** How long calls of an endpoint that closes may go on, in milliseconds. */
  readonly graceMs: number;
}

export interface Endpoints {
  /** The real addresses by endpoint, ports filled in. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /**
   * Opens, changes and closes what is different. A socket whose addresses and limits stay the same stays open, whatever
   * else of its endpoint changes. Rejects, and leaves all as it was, if a new address can't be had.
   * @param setUp makes ready what is to be served; called when all new addresses are had, and before anything changes
   */
  apply(plan: EndpointsPlan, setUp: () => Promise<void>): Promise<void>;
  loads(): ReadonlyMap<string, EndpointLoad>;
  /** Answers what has reached it, for `graceMs` at most. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface EndpointLoad extends Load {
  readonly config: EndpointConfig;
  /** Replies that no peer took. */
  readonly droppedReplies: number;
}

interface Open {
  readonly core: ConfigurableCore;
  readonly transport: ZmqTransport;
  readonly addresses: readonly string[];
  config: EndpointConfig;
}

export function createEndpoints(options: EndpointsOptions): Endpoints {
  const { log } = options;
  let context: ReturnType<typeof takeContext> | undefined;
  const opened = new Map<string, Open>();
  const addresses = new Map<string, readonly string[]>();
  /** Endpoints that are gone and still answer what had reached them. */
  const leaving = new Map<Open, Promise<void>>();
  let isStopping = false;

  /** What comes to the new socket waits there until it is served. */
  async function open(name: string, config: EndpointConfig, plan: EndpointsPlan): Promise<Open> {
    context ??= takeContext();
    const transport = createZmqTransport({
      endpoint: name,
      places: { bind: config.bind, connect: config.connect, ipcMode: Number.parseInt(config.ipcMode, 8) },
      socketLimits: config.limits,
      ...zmqSettings(config, options.introspectionFor),
      context,
      log,
    });
    const reached = await transport.open();
    return { core: createCore({ ...options, ...coreSettings(config, plan) }), transport, addresses: reached, config };
  }

  async function serve(name: string, open: Open): Promise<void> {
    if (isStopping) return open.transport.close();
    opened.set(name, open);
    addresses.set(name, open.addresses);
    open.transport.serve(open.core);
    announce(log, name, open.config, open.addresses);
  }

  function change(name: string, open: Open, config: EndpointConfig, plan: EndpointsPlan): void {
    open.config = config;
    open.core.configure(coreSettings(config, plan));
    open.transport.configure(zmqSettings(config, options.introspectionFor));
    addresses.set(name, open.addresses);
  }

  async function leave(name: string, open: Open, graceMs: number): Promise<void> {
    opened.delete(name);
    addresses.delete(name);
    const gone = closeOne(open, graceMs)
      .catch((err: unknown) => log.error({ endpoint: name, err }, `endpoint ${name} did not close in order`))
      .then(() => {
        leaving.delete(open);
        log.info({ endpoint: name }, `closed ${open.addresses.join(", ")}`);
      });
    leaving.set(open, gone);
    await gone;
  }

  async function apply(plan: EndpointsPlan, setUp: () => Promise<void>): Promise<void> {
    const wanted = new Map(Object.entries(plan.endpoints));
    const goes = [...opened].filter(([name, { config }]) => !hasSameSocket(config, wanted.get(name)));
    const comes = [...wanted].filter(([name, config]) => !hasSameSocket(config, opened.get(name)?.config));
    // Of two sockets one has an address, so what takes over another's must wait until that has closed.
    const going = [...goes.map(([, open]) => open), ...leaving.keys()];
    const late = new Set(comes.filter(([, config]) => going.some((open) => overlaps(config, open.config))));
    const early = await openAll(
      comes.filter((entry) => !late.has(entry)),
      plan,
    );
    try {
      await setUp();
    } catch (error) {
      await closeAll(early);
      throw error;
    }
    if (isStopping) return closeAll(early);
    for (const [name, open] of opened) {
      const config = wanted.get(name);
      if (config !== undefined && hasSameSocket(config, open.config)) change(name, open, config, plan);
    }
    for (const [name, open] of goes) void leave(name, open, plan.graceMs);
    for (const [name, open] of early) await serve(name, open);
    if (late.size === 0) return;
    await Promise.all(leaving.values());
    const failed: unknown[] = [];
    for (const [name, config] of late) await takeOver(name, config, plan).catch((error) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  }

  /** Opens at an address that has just been closed: the system gives it free a moment later. */
  async function takeOver(name: string, config: EndpointConfig, plan: EndpointsPlan): Promise<void> {
    for (let tried = 1; !isStopping; tried++) {
      try {
        return await serve(name, await open(name, config, plan));
      } catch (error) {
        if (tried === TRIES || !isTaken(error)) throw error;
        await delay(RETRY_MS);
      }
    }
  }

  /** All or none. */
  async function openAll(
    entries: readonly (readonly [string, EndpointConfig])[],
    plan: EndpointsPlan,
  ): Promise<Map<string, Open>> {
    const done = new Map<string, Open>();
    try {
      for (const [name, config] of entries) done.set(name, await open(name, config, plan));
    } catch (error) {
      await closeAll(done);
      throw error;
    }
    return done;
  }

  return {
    addresses,
    apply,
    loads: () =>
      new Map(
        [...opened].map(([name, { core, transport, config }]) => [
          name,
          { config, droppedReplies: transport.dropped(), ...core.load() },
        ]),
      ),
    async drain(graceMs) {
      isStopping = true;
      const end = performance.now() + graceMs;
      const all = [...opened.values(), ...leaving.keys()];
      await Promise.all(all.map(({ transport }) => transport.stopReading()));
      await Promise.all(all.map(({ core }) => core.drain(Math.max(0, end - performance.now()))));
    },
    async close() {
      isStopping = true;
      await Promise.all([...[...opened.values()].map(({ transport }) => transport.close()), ...leaving.values()]);
      opened.clear();
      addresses.clear();
      if (context !== undefined) giveBackContext(context);
      context = undefined;
    },
  };
}

/** How long the system may take to give an address free. */
const TRIES = 40;
const RETRY_MS = 50;

function isTaken(error: unknown): boolean {
  const { cause } = error as { cause?: NodeJS.ErrnoException };
  return cause?.code === "EADDRINUSE";
}

async function closeAll(open: ReadonlyMap<string, Open>): Promise<void> {
  await Promise.all([...open.values()].map(({ transport }) => transport.close()));
}

async function closeOne({ core, transport }: Open, graceMs: number): Promise<void> {
  await transport.stopReading();
  await core.drain(graceMs, "this endpoint is being closed");
  await transport.close();
}

function coreSettings(config: EndpointConfig, plan: EndpointsPlan): CoreSettings {
  const { concurrency, queue } = config;
  return { allows: matcherOf(config), findCodec: plan.codecsFor(config), concurrency, queue };
}

function zmqSettings(config: EndpointConfig, introspectionFor: EndpointsOptions["introspectionFor"]): ZmqSettings {
  const { handler, codec, handlers, introspection, limits, concurrency } = config;
  const framing =
    handlers === undefined
      ? plainFraming(handler, codec)
      : zepFraming(limits, introspection ? introspectionFor(config) : undefined);
  return { framing, limits, lockStep: concurrency === 1 };
}

/** Whether the one can go on with the other's socket: what libzmq is told of it is the same. */
function hasSameSocket(one: EndpointConfig, other: EndpointConfig | undefined): boolean {
  return other !== undefined && isDeepStrictEqual(socketOf(one), socketOf(other));
}

function socketOf({ bind, connect, ipcMode, limits }: EndpointConfig): object {
  const { maxMessageBytes, handshakeMs, lingerMs } = limits;
  return { bind, connect, ipcMode, maxMessageBytes, handshakeMs, lingerMs };
}

function overlaps(one: EndpointConfig, other: EndpointConfig): boolean {
  return one.bind.some((mine) =>
    other.bind.some((theirs) => overlap(parseAddress(mine, "bind"), parseAddress(theirs, "bind"))),
  );
}

function announce(log: Log, endpoint: string, { bind }: EndpointConfig, reached: readonly string[]): void {
  for (const [index, address] of reached.entries()) {
    const bound = index < bind.length;
    log.info({ endpoint }, `${bound ? "listening on" : "connecting to"} ${address}`);
    if (bound && !isLoopback(parseAddress(address, "bind"))) {
      log.warn({ endpoint }, `${address} is open to whoever reaches this machine: no keys are asked for`);
    }
  }
}
