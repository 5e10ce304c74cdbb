/** What is no mistake in a configuration, and yet will hurt. Only what the configuration and its plugins tell. */
import { type Assembly, endpointsOfBroken, matcherOf } from "../assemble.ts";
import { DEFAULTS } from "../config/defaults.ts";
import type { EndpointConfig } from "../config/effective.ts";
import type { LoadedConfig } from "../config/load.ts";
import { formatProblem, type Problem } from "../errors.ts";
import type { Isolation } from "../handler.ts";
import { isolationOf, timeoutOf } from "../loader/run-settings.ts";
import { isLoopback, parseAddress, reachable } from "../wire/address.ts";
import { parseHttpAddress } from "../wire/http-address.ts";

/** In the order in which they stand in the configuration, more or less; the plugins first. */
export function warningsFor(loaded: LoadedConfig, assembly: Assembly): Problem[] {
  const facts = factsOf(loaded, assembly);
  return [
    ...brokenPlugins(loaded, assembly),
    ...openBinds(loaded),
    ...openHttp(loaded),
    ...lockSteps(loaded, facts),
    ...idlePools(loaded, facts),
    ...hastyTargets(loaded, facts),
  ];
}

/** A broken plugin that an endpoint names is an error without `watch`, and then not told twice. */
function brokenPlugins(loaded: LoadedConfig, assembly: Assembly): Problem[] {
  const { broken } = assembly;
  const named = endpointsOfBroken(loaded, assembly);
  const others = broken.filter(({ name }) => !named.some(({ plugin }) => plugin === name));
  return [
    ...others.map(({ name, message, ...place }) => ({
      message: `plugin ${name} does not load: ${formatProblem({ ...place, message })}`,
    })),
    ...(loaded.config.watch ? named.map(({ problem }) => problem) : []),
  ];
}

function openBinds(loaded: LoadedConfig): Problem[] {
  return Object.entries(loaded.config.endpoints).flatMap(([name, { bind, curve }]) =>
    bind.flatMap((address, index) =>
      curve === undefined && isOpen(address)
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

function openHttp(loaded: LoadedConfig): Problem[] {
  const { http } = loaded.config;
  if (http === undefined || parseHttpAddress(http.bind).isLoopback) return [];
  const message = `${http.bind} is open to whoever reaches this machine: anybody may see what this host does`;
  return [loaded.problem(["http", "bind"], message)];
}

/** A lock-step endpoint answers one request before it reads the next: right for one client at a time, and for no more. */
function lockSteps(loaded: LoadedConfig, facts: readonly Facts[]): Problem[] {
  return Object.entries(loaded.config.endpoints).flatMap(([name, endpoint]) => {
    if (endpoint.concurrency > 1) return [];
    const why = reasonAgainstLockStep(endpoint, facts);
    const message = `one request at a time (concurrency 1), ${why}; set "concurrency", to 16 for a start`;
    return why === undefined ? [] : [loaded.problem(["endpoints", name, "concurrency"], message)];
  });
}

function reasonAgainstLockStep(endpoint: EndpointConfig, facts: readonly Facts[]): string | undefined {
  const { name: handler, timeoutMs } = slowest(endpoint, facts);
  const walled = servedBy(endpoint, facts).find(({ isolation }) => isolation !== "inline");
  if (walled !== undefined)
    return `though handler ${walled.name} has a pool, in which ${wallsOf(walled)} work side by side`;
  if (timeoutMs > DEFAULTS.handlerTimeoutMs) return `and handler ${handler} may take ${timeoutMs} ms for each`;
  if (endpoint.connect.length > 0) return "though a broker passes on those of many clients";
  return endpoint.bind.some(isOpen) ? "though many machines may call" : undefined;
}

function wallsOf({ isolation }: Facts): string {
  return isolation === "thread" ? "threads" : "processes";
}

function idlePools(loaded: LoadedConfig, facts: readonly Facts[]): Problem[] {
  return facts
    .filter(
      ({ name, isolation }) => isolation === "inline" && loaded.origin(["handlers", name, "pool"]).source !== "default",
    )
    .map(({ name }) =>
      loaded.problem(
        ["handlers", name, "pool"],
        `handler ${name} runs inline, so its pool counts for nothing; set "isolation" to "thread" or "process"`,
      ),
    );
}

/** Whoever gives up first never learns why: the reply with the reason comes too late. */
function hastyTargets(loaded: LoadedConfig, facts: readonly Facts[]): Problem[] {
  const { endpoints, targets } = loaded.config;
  return Object.entries(targets).flatMap(([name, target]) => {
    const called = new Set(target.connect.map(reachable));
    return Object.entries(endpoints).flatMap(([endpointName, endpoint]) => {
      const { name: handler, timeoutMs } = slowest(endpoint, facts);
      if (!endpoint.bind.some((address) => called.has(reachable(address))) || target.timeoutMs > timeoutMs) return [];
      const message = `gives up after ${target.timeoutMs} ms, and handler ${handler} of endpoint ${endpointName} may take ${timeoutMs}; give it more than that`;
      return [loaded.problem(["targets", name, "timeoutMs"], message)];
    });
  });
}

/** What is known of a handler that runs. */
interface Facts {
  readonly name: string;
  /** Milliseconds that it may take. */
  readonly timeoutMs: number;
  readonly isolation: Isolation;
}

function factsOf({ config }: LoadedConfig, { handlers }: Assembly): Facts[] {
  return [...new Set([...handlers.keys(), ...Object.keys(config.handlers)])].flatMap((name) => {
    const own = config.handlers[name];
    const source = handlers.get(own?.plugin ?? name);
    if (source === undefined) return [];
    return [{ name, timeoutMs: timeoutOf(source.outline, own), isolation: isolationOf(source.outline, own) }];
  });
}

function servedBy(endpoint: EndpointConfig, facts: readonly Facts[]): readonly Facts[] {
  const allows = matcherOf(endpoint);
  return facts.filter(({ name }) => allows(name));
}

/** The one of an endpoint's handlers that may take longest. */
function slowest(endpoint: EndpointConfig, facts: readonly Facts[]): Pick<Facts, "name" | "timeoutMs"> {
  const none = { name: "", timeoutMs: 0 };
  return servedBy(endpoint, facts).reduce((slow, each) => (each.timeoutMs > slow.timeoutMs ? each : slow), none);
}

function isOpen(address: string): boolean {
  return !isLoopback(parseAddress(address, "bind"));
}
