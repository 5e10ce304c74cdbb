/** The endpoints that a host has open: opened, changed and closed to follow a configuration. */
import { setTimeout as delay } from "node:timers/promises";
import type { Config, EndpointConfig } from "./config/effective.ts";
import { type Keyring, newestOf } from "./curve/keyring.ts";
import {
  type EndpointLoad,
  type EndpointOptions,
  hasSameSocket,
  type OpenEndpoint,
  openEndpoint,
  overlaps,
  type Shared,
} from "./endpoint.ts";
import { createRecycling } from "./recycling.ts";
import { giveBackContext, takeContext } from "./transports/zmq/context.ts";
import { openZap, type Zap } from "./transports/zmq/zap.ts";

/** What the endpoints should be. */
export interface EndpointsPlan extends Shared {
  readonly endpoints: Config["endpoints"];
  /** Of those that ask for keys. */
  readonly keyrings: ReadonlyMap<string, Keyring>;
  /** How long calls of an endpoint that closes may go on, in milliseconds. */
  readonly graceMs: number;
}

export interface EndpointsOptions extends EndpointOptions {
  /** Called when `apply` has to do what was put off, with the same plan or a newer one. */
  readonly onDue: () => void;
}

export interface Endpoints {
  /** The real addresses by endpoint, ports filled in. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Those that are served, by name. */
  readonly opened: ReadonlyMap<string, OpenEndpoint>;
  /**
   * Opens, changes and closes what is different. A socket whose addresses and limits stay the same stays open, whatever
   * else of its endpoint changes. Rejects, and leaves all as it was, if a new address can't be had.
   * @param setUp makes ready what is to be served; called when all new addresses are had, and before anything changes
   */
  apply(plan: EndpointsPlan, setUp: () => Promise<void>): Promise<void>;
  /** Takes up keys at once, whatever `apply` is waiting for. */
  admit(keyrings: ReadonlyMap<string, Keyring>): void;
  loads(): ReadonlyMap<string, EndpointLoad>;
  /** Answers what has reached it, for `graceMs` at most. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

export function createEndpoints(options: EndpointsOptions): Endpoints {
  const { log } = options;
  let zap: Zap | undefined;
  /** As they were last read; a plan's may be older, since it waits for those who drain. */
  let latest: ReadonlyMap<string, Keyring> = new Map();
  const recycling = createRecycling(() => {
    if (!isStopping) options.onDue();
  });
  /** All that have a socket: open, not served yet, and leaving. */
  const alive = new Set<OpenEndpoint>();
  let context: ReturnType<typeof takeContext> | undefined;
  const opened = new Map<string, OpenEndpoint>();
  const addresses = new Map<string, readonly string[]>();
  /** Endpoints that are gone and still answer what had reached them. */
  const leaving = new Map<OpenEndpoint, Promise<void>>();
  let isStopping = false;

  async function open(
    name: string,
    config: EndpointConfig,
    plan: EndpointsPlan,
    bind?: readonly string[],
  ): Promise<OpenEndpoint> {
    context ??= takeContext();
    if (config.curve !== undefined) zap ??= await openZap(context, log);
    const keyring = config.curve && newestOf(config.curve, plan.keyrings.get(name), latest.get(name));
    const open = await openEndpoint(name, config, plan, options, { context, zap, keyring, bind });
    alive.add(open);
    // What was read while it was being opened.
    admitTo(open, latest.get(name));
    return open;
  }

  /** Whoever comes is judged by the new keyring at once. Those who are in stay until the socket is made anew. */
  function admitTo(open: OpenEndpoint, next: Keyring | undefined): void {
    const { name, config, keyring: before } = open;
    if (before === undefined || next === undefined || config.curve === undefined) return;
    if (newestOf(config.curve, before, next) !== next) return;
    open.admit(next);
    // One that is leaving ends all its connections anyway.
    if (!leaving.has(open)) recycling.note(name, before, next);
  }

  function admit(keyrings: ReadonlyMap<string, Keyring>): void {
    latest = keyrings;
    for (const open of alive) admitTo(open, keyrings.get(open.name));
  }

  async function close(open: OpenEndpoint): Promise<void> {
    await open.close().finally(() => alive.delete(open));
  }

  async function serve(name: string, open: OpenEndpoint): Promise<void> {
    if (isStopping) return close(open);
    opened.set(name, open);
    addresses.set(name, open.addresses);
    open.serve();
  }

  async function leave(name: string, open: OpenEndpoint, graceMs: number): Promise<void> {
    opened.delete(name);
    addresses.delete(name);
    recycling.forget(name);
    const gone = drain(open, graceMs)
      .then(() => close(open))
      .catch((err: unknown) => log.error({ endpoint: name, err }, `endpoint ${name} did not close in order`))
      .then(() => {
        leaving.delete(open);
        log.info({ endpoint: name }, `closed ${open.addresses.join(", ")}`);
      });
    leaving.set(open, gone);
    await gone;
  }

  async function apply(plan: EndpointsPlan, setUp: () => Promise<void>): Promise<void> {
    // Nothing that comes below may keep somebody in.
    for (const open of alive) admitTo(open, plan.keyrings.get(open.name));
    const wanted = new Map(Object.entries(plan.endpoints));
    const due = recycling.due();
    const stays = (name: string) => hasSameSocket(wanted.get(name), opened.get(name)?.config) && !due.has(name);
    const goes = [...opened].filter(([name]) => !stays(name));
    const comes = [...wanted].filter(([name]) => !stays(name));
    // Of two sockets one has an address, so what takes over another's must wait until that has closed.
    const going = [...goes.map(([, open]) => open), ...leaving.keys()];
    const late = new Set(
      comes.filter(([name, config]) => due.has(name) || going.some((open) => overlaps(config, open.config))),
    );
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
      if (config === undefined || !stays(name)) continue;
      open.configure(config, plan);
    }
    for (const [name, open] of goes) void leave(name, open, plan.graceMs);
    for (const [name, open] of early) await serve(name, open);
    if (late.size === 0) return;
    await Promise.all(leaving.values());
    const failed: unknown[] = [];
    for (const [name, config] of late) {
      const before = goes.find(([gone, open]) => gone === name && hasSameSocket(config, open.config));
      const bind = before?.[1].addresses.slice(0, config.bind.length);
      await takeOver(name, config, plan, bind).catch((error) => failed.push(error));
    }
    if (failed.length > 0) throw failed[0];
  }

  /** Opens at an address that has just been closed: the system gives it free a moment later. */
  async function takeOver(
    name: string,
    config: EndpointConfig,
    plan: EndpointsPlan,
    bind: readonly string[] | undefined,
  ): Promise<void> {
    for (let tried = 1; !isStopping; tried++) {
      try {
        return await serve(name, await open(name, config, plan, bind));
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
  ): Promise<Map<string, OpenEndpoint>> {
    const done = new Map<string, OpenEndpoint>();
    try {
      for (const [name, config] of entries) done.set(name, await open(name, config, plan));
    } catch (error) {
      await closeAll(done);
      throw error;
    }
    return done;
  }

  async function closeAll(open: ReadonlyMap<string, OpenEndpoint>): Promise<void> {
    await Promise.all([...open.values()].map(close));
  }

  return {
    addresses,
    opened,
    apply,
    admit,
    loads: () => new Map([...opened].map(([name, open]) => [name, open.load()])),
    async drain(graceMs) {
      isStopping = true;
      const end = performance.now() + graceMs;
      const all = [...opened.values(), ...leaving.keys()];
      await Promise.all(all.map((open) => open.stopReading()));
      await Promise.all(all.map((open) => open.drain(Math.max(0, end - performance.now()))));
    },
    async close() {
      isStopping = true;
      await Promise.all([...[...opened.values()].map(close), ...leaving.values()]);
      opened.clear();
      addresses.clear();
      await zap?.close();
      zap = undefined;
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

async function drain(open: OpenEndpoint, graceMs: number): Promise<void> {
  await open.stopReading();
  await open.drain(graceMs, "this endpoint is being closed");
}
