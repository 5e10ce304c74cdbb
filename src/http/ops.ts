/** What a host shows of itself over HTTP, as its configuration has it. Loaded only if the configuration wants it. */
import type { Config } from "../config/effective.ts";
import type { CallHook } from "../core/call.ts";
import type { Log } from "../handler.ts";
import { parseHttpAddress } from "../wire/http-address.ts";
import { healthRoutes } from "./health.ts";
import type { HostView } from "./host-view.ts";
import { listen } from "./listener.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { createPage } from "./page/routes.ts";

export type HttpConfig = NonNullable<Config["http"]>;

export interface Ops {
  readonly url: string;
  readonly config: HttpConfig;
  /** To be told of each call while this is open. */
  readonly hooks: readonly CallHook[];
  /** Takes up another configuration with the same address. */
  configure(config: HttpConfig): void;
  /** Lets go of its address; whoever is connected is hung up on. */
  release(): Promise<void>;
  /** Is there again, at the very same one. Rejects if it can't be had. */
  retake(): Promise<void>;
  close(): Promise<void>;
}

/** Rejects with a `ZmqEchoError` for an address that can't be had. */
export async function openOps(first: HttpConfig, host: HostView, log: Log): Promise<Ops> {
  let config = first;
  const metrics = createMetrics(host);
  const page = createPage(host);
  const routes = { ...healthRoutes(host), ...metrics.routes, ...page.routes };
  const listenAt = (address: string) => listen(address, routes, { hosts: () => config.hosts, log });
  let listener = await listenAt(config.bind).catch((error: unknown) => {
    metrics.stop();
    throw error;
  });
  const { url } = listener;
  log.info(`health, metrics and a page at ${url}; to call from it: ${url}/#token=${page.token}`);
  if (!parseHttpAddress(config.bind).isLoopback)
    log.warn(`${url} is open to whoever reaches this machine: anybody may see what this host does`);
  return {
    url,
    get config() {
      return config;
    },
    hooks: [metrics.hook, page.hook],
    configure(next) {
      config = next;
    },
    release: () => listener.close(),
    async retake() {
      listener = await listenAt(new URL(url).host);
    },
    async close() {
      metrics.stop();
      await listener.close();
    },
  };
}
