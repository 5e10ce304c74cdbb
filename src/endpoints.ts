/** The endpoints that a host has open: opened, changed and closed to follow a configuration. */
import { setTimeout as delay } from "node:timers/promises";
import type { Config, EndpointConfig } from "./config/effective.ts";
import {
  type CodecsFor,
  type EndpointLoad,
  type EndpointOptions,
  hasSameSocket,
  type OpenEndpoint,
  openEndpoint,
  overlaps,
} from "./endpoint.ts";
import { giveBackContext, takeContext } from "./transports/zmq/context.ts";

/** What the endpoints should be. */
export interface EndpointsPlan {
  readonly endpoints: Config["endpoints"];
  readonly codecsFor: CodecsFor;
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

export function createEndpoints(options: EndpointOptions): Endpoints {
  const { log } = options;
  let context: ReturnType<typeof takeContext> | undefined;
  const opened = new Map<string, OpenEndpoint>();
  const addresses = new Map<string, readonly string[]>();
  /** Endpoints that are gone and still answer what had reached them. */
  const leaving = new Map<OpenEndpoint, Promise<void>>();
  let isStopping = false;

  async function open(name: string, config: EndpointConfig, { codecsFor }: EndpointsPlan): Promise<OpenEndpoint> {
    context ??= takeContext();
    return openEndpoint(name, config, codecsFor, { ...options, context });
  }

  async function serve(name: string, open: OpenEndpoint): Promise<void> {
    if (isStopping) return open.close();
    opened.set(name, open);
    addresses.set(name, open.addresses);
    open.serve();
  }

  async function leave(name: string, open: OpenEndpoint, graceMs: number): Promise<void> {
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
      if (config !== undefined && hasSameSocket(config, open.config)) open.configure(config, plan.codecsFor);
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

  return {
    addresses,
    apply,
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
      await Promise.all([...[...opened.values()].map((open) => open.close()), ...leaving.values()]);
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

async function closeOne(open: OpenEndpoint, graceMs: number): Promise<void> {
  await open.stopReading();
  await open.drain(graceMs, "this endpoint is being closed");
  await open.close();
}

async function closeAll(open: ReadonlyMap<string, OpenEndpoint>): Promise<void> {
  await Promise.all([...open.values()].map((each) => each.close()));
}
