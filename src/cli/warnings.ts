/** What is no mistake in a configuration, and yet will hurt. Only what the configuration and its plugins tell. */
import { type Assembly, endpointsOfBroken } from "../assemble.ts";
import { DEFAULTS } from "../config/defaults.ts";
import type { EndpointConfig } from "../config/effective.ts";
import { handlerMatcher } from "../config/handler-patterns.ts";
import type { LoadedConfig } from "../config/load.ts";
import { formatProblem, type Problem } from "../errors.ts";
import { timeoutOf } from "../loader/registry.ts";
import { isLoopback, parseAddress, reachable } from "../wire/address.ts";

/** In the order in which they stand in the configuration, more or less; the plugins first. */
export function warningsFor(loaded: LoadedConfig, assembly: Assembly): Problem[] {
  const timeouts = timeoutsOf(loaded, assembly);
  return [
    ...brokenPlugins(loaded, assembly),
    ...openBinds(loaded),
    ...lockSteps(loaded, timeouts),
    ...hastyTargets(loaded, timeouts),
  ];
}

/** A broken plugin that an endpoint names is an error without `watch`, and then not told twice. */
function brokenPlugins(loaded: LoadedConfig, { broken }: Assembly): Problem[] {
  const named = endpointsOfBroken(loaded, broken);
  const others = broken.filter(({ name }) => !named.some(({ plugin }) => plugin === name));
  return [
    ...others.map(({ name, message, ...place }) => ({
      message: `plugin ${name} does not load: ${formatProblem({ ...place, message })}`,
    })),
    ...(loaded.config.watch ? named.map(({ problem }) => problem) : []),
  ];
}

function openBinds(loaded: LoadedConfig): Problem[] {
  return Object.entries(loaded.config.endpoints).flatMap(([name, { bind }]) =>
    bind.flatMap((address, index) =>
      isOpen(address)
        ? [
            loaded.problem(
              ["endpoints", name, "bind", index],
              `${address} is open to whoever reaches this machine: no keys are asked for`,
            ),
          ]
        : [],
    ),
  );
}

/** A lock-step endpoint answers one request before it reads the next: right for one client at a time, and for no more. */
function lockSteps(loaded: LoadedConfig, timeouts: Timeouts): Problem[] {
  return Object.entries(loaded.config.endpoints).flatMap(([name, endpoint]) => {
    if (endpoint.concurrency > 1) return [];
    const why = reasonAgainstLockStep(endpoint, timeouts);
    const message = `one request at a time (concurrency 1), ${why}; set "concurrency", to 16 for a start`;
    return why === undefined ? [] : [loaded.problem(["endpoints", name, "concurrency"], message)];
  });
}

function reasonAgainstLockStep(endpoint: EndpointConfig, timeouts: Timeouts): string | undefined {
  const [handler, timeoutMs] = slowest(endpoint, timeouts);
  if (timeoutMs > DEFAULTS.handlerTimeoutMs) return `and handler ${handler} may take ${timeoutMs} ms for each`;
  if (endpoint.connect.length > 0) return "though a broker passes on those of many clients";
  return endpoint.bind.some(isOpen) ? "though many machines may call" : undefined;
}

/** Whoever gives up first never learns why: the reply with the reason comes too late. */
function hastyTargets(loaded: LoadedConfig, timeouts: Timeouts): Problem[] {
  const { endpoints, targets } = loaded.config;
  return Object.entries(targets).flatMap(([name, target]) => {
    const called = new Set(target.connect.map(reachable));
    return Object.entries(endpoints).flatMap(([endpointName, endpoint]) => {
      const [handler, timeoutMs] = slowest(endpoint, timeouts);
      if (!endpoint.bind.some((address) => called.has(reachable(address))) || target.timeoutMs > timeoutMs) return [];
      const message = `gives up after ${target.timeoutMs} ms, and handler ${handler} of endpoint ${endpointName} may take ${timeoutMs}; give it more than that`;
      return [loaded.problem(["targets", name, "timeoutMs"], message)];
    });
  });
}

/** Milliseconds that each handler may take, by name. */
type Timeouts = ReadonlyMap<string, number>;

function timeoutsOf({ config }: LoadedConfig, { handlers }: Assembly): Timeouts {
  const timeouts = new Map<string, number>();
  for (const name of new Set([...handlers.keys(), ...Object.keys(config.handlers)])) {
    const own = config.handlers[name];
    const definition = handlers.get(own?.plugin ?? name);
    if (definition !== undefined) timeouts.set(name, timeoutOf(definition, own));
  }
  return timeouts;
}

/** The one of an endpoint's handlers that may take longest. */
function slowest(endpoint: EndpointConfig, timeouts: Timeouts): readonly [handler: string, timeoutMs: number] {
  const allows = handlerMatcher(endpoint.handlers ?? [endpoint.handler]);
  const own = [...timeouts].filter(([name]) => allows(name));
  return own.reduce((slow, each) => (each[1] > slow[1] ? each : slow), ["", 0] as const);
}

function isOpen(address: string): boolean {
  return !isLoopback(parseAddress(address, "bind"));
}
