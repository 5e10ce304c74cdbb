/** `zmqecho serve`: a host in the foreground, until a signal ends it. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { InCode } from "../assemble.ts";
import type { Codec, CodecRole } from "../codecs/codec.ts";
import { createCodecSet } from "../codecs/registry.ts";
import { DEFAULTS, NAME_PATTERN } from "../config/defaults.ts";
import { type LoadedConfig, loadConfigWithNames } from "../config/load.ts";
import type { ConfigInput } from "../config/schema.ts";
import { ConfigError } from "../errors.ts";
import type { Log } from "../handler.ts";
import { createHost, type Host } from "../host.ts";
import { CODE } from "../loader/find.ts";
import { namesBeside } from "../loader/names.ts";
import { createLog } from "../log.ts";
import { collectEarly } from "../transports/zmq/collect.ts";
import { encodeBody, valueFromBody } from "./body.ts";
import { type CodecFlags, codecFromFlags } from "./codec-flags.ts";
import { codecFromPlugin } from "./destination.ts";
import { endWithin, exitSoon, firstSignal } from "./ending.ts";
import { CommandFailure, usageError } from "./failure.ts";
import { MOCK, type MockFile, mockEndpoint, mockHandlers, readMockFile } from "./mock-file.ts";
import type { Supervisor } from "./notify.ts";
import { trafficHook } from "./traffic.ts";

export interface ServeFlags extends CodecFlags {
  readonly config?: string;
  readonly handler?: string;
  readonly reply?: string;
  readonly mock?: string;
  readonly concurrency?: number;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/**
 * Serves until SIGINT or SIGTERM, drains, and returns; a second signal ends the process at once. SIGHUP reloads, but
 * ends it too if standard input is a terminal: that one hung up.
 * Throws a usage error or ConfigError (2), and exits with 1 when an address can't be had.
 */
export async function serve(address: string | undefined, flags: ServeFlags): Promise<void> {
  collectEarly();
  const supervised = await supervisionAsked();
  const mocked = await mockFrom(flags);
  const own = endpointFlags(address, flags, mocked);
  const options = {
    ...(flags.config !== undefined && { file: flags.config }),
    flags: { ...logFlags(flags), ...own },
  };
  const loaded = await loadConfigWithNames(options, namesBeside(namesInCode(own, flags)));
  const handlers = await handlersFrom(flags, loaded, mocked);
  const log = createLog(loaded.config.log);
  surviveStrayErrors(log);
  const host = createHost(loaded, { log, ...handlers, hooks: flags.verbose ? [trafficHook(log)] : [] });
  const supervisor = supervised?.(log);
  // From here on, so that one that comes while the host starts ends it in order too.
  const ending = firstSignal(() => reload(host, supervisor)).then((signal) => {
    const withinMs = limitEnding(host.config, log);
    supervisor?.stopping(withinMs);
    return signal;
  });
  try {
    await host.start();
    supervisor?.ready();
  } catch (error) {
    // A plugin may keep the process alive with timers of its own.
    exitSoon(ALLOWANCE_MS);
    throw error instanceof ConfigError ? error : new CommandFailure(1, error);
  }
  const signal = await ending;
  log.info(`${signal}: draining`);
  try {
    await host.stop();
    process.exitCode = 0;
    log.info("stopped");
  } finally {
    exitSoon();
  }
}

function logFlags({ quiet, verbose }: ServeFlags): ConfigInput {
  if (quiet) return { log: { level: "error" } };
  return verbose ? { log: { level: "debug" } } : {};
}

/** An address, a handler or a codec on the command line takes the place of the configuration's endpoints; all else of it counts. */
function endpointFlags(address: string | undefined, flags: ServeFlags, mocked: MockFile | undefined): ConfigInput {
  const { handler, reply, concurrency } = flags;
  const codec = codecFromFlags(flags);
  const codecs = typeof codec?.spec === "object" ? { codecs: { [codec.name]: codec.spec } } : {};
  if (mocked !== undefined) {
    const place = { bind: address ?? DEFAULTS.address, ...(concurrency !== undefined && { concurrency }) };
    return { ...mockEndpoint(mocked, place, codec?.name ?? flags.codec), ...codecs };
  }
  if ([address, handler, reply, flags.codec, flags.proto, concurrency].every((flag) => flag === undefined)) return {};
  const name = reply === undefined ? (fileName(handler) ?? handler ?? DEFAULTS.handler) : REPLY;
  const endpoint = {
    bind: address ?? DEFAULTS.address,
    handler: name,
    codec: codec?.name ?? flags.codec ?? DEFAULTS.codec,
    ...(concurrency !== undefined && { concurrency }),
  };
  return {
    endpoints: { [name]: endpoint },
    ...codecs,
  };
}

/** What the one endpoint of such flags serves, unless that is a plugin of the configuration. */
function namesInCode({ endpoints = {} }: ConfigInput, { handler, reply, mock }: ServeFlags): string[] {
  if (reply === undefined && mock === undefined && fileName(handler) === undefined) return [];
  return Object.values(endpoints).flatMap((endpoint) => endpoint.handlers ?? endpoint.handler ?? []);
}

const REPLY = "reply";

/** Throws a usage error for flags that exclude each other. */
async function mockFrom({ handler, reply, mock }: ServeFlags): Promise<MockFile | undefined> {
  const given = Object.entries({ handler, reply, mock }).filter(([, value]) => value !== undefined);
  const [first, second] = given.map(([name]) => `--${name}`);
  if (second !== undefined) throw usageError(`${first} and ${second} exclude each other`);
  return mock === undefined ? undefined : readMockFile(mock);
}

/** The handler's name if `--handler` gives a file. */
function fileName(handler: string | undefined): string | undefined {
  if (handler === undefined || !/^[./]/.test(handler)) return undefined;
  const name = basename(handler).replace(CODE, "");
  if (!NAME_PATTERN.test(name)) throw usageError(`--handler ${handler} names no file; write ./one.ts, for example`);
  return name;
}

/** What `--reply`, `--mock` or `--handler FILE` stand for. */
async function handlersFrom(
  { handler, reply }: ServeFlags,
  loaded: LoadedConfig,
  mocked: MockFile | undefined,
): Promise<InCode> {
  if (mocked !== undefined) {
    const name = loaded.config.endpoints[MOCK]?.codec ?? DEFAULTS.codec;
    const [server, client] = [await codecNamed(name, loaded, "server"), await codecNamed(name, loaded, "client")];
    return { handlers: await mockHandlers(mocked, { request: server, reply: client }) };
  }
  if (reply !== undefined) {
    const name = loaded.config.endpoints[REPLY]?.codec ?? DEFAULTS.codec;
    const codec = await codecNamed(name, loaded, "server");
    const value = await valueFromBody(reply, codec, (loaded.config.codecs[name]?.type ?? name) === "raw", "--reply");
    encodeBody(codec, value);
    return { handlers: { [REPLY]: { handle: () => value } } };
  }
  const name = fileName(handler);
  if (handler === undefined || name === undefined) return {};
  const file = resolve(handler);
  const isFile = await stat(file).then(
    (facts) => facts.isFile(),
    () => false,
  );
  if (!isFile) throw usageError(`--handler ${handler}: there is no such file`);
  return { files: { [name]: file } };
}

async function codecNamed(name: string, loaded: LoadedConfig, role: CodecRole): Promise<Codec> {
  const { config, folder } = loaded;
  const codecs = createCodecSet(config.codecs, new Map(), { role, limits: config.limits, folder });
  return codecs.get(name) ?? codecFromPlugin(name, loaded);
}

/** A plugin's stray rejection or late throw belongs to no call; it must not end the calls of others, nor must what it prints. */
function surviveStrayErrors(log: Log): void {
  process.stdout.removeAllListeners("error").on("error", () => {});
  process.on("unhandledRejection", (err) =>
    log.error({ err }, "a promise was rejected and nobody was there to see it"),
  );
  process.on("uncaughtException", (err) => log.error({ err }, "an error was thrown outside of any call"));
}

/** For systemd, if it runs this as a service and wants to be told how it is. */
async function supervisionAsked(): Promise<((log: Log) => Supervisor) | undefined> {
  if (!process.env.NOTIFY_SOCKET) return undefined;
  const { createSupervisor, takeNotifySettings } = await import("./notify.ts");
  const settings = takeNotifySettings(process.env);
  return settings && ((log) => createSupervisor(settings, log));
}

/** What can't be used is in the log by then. */
function reload(host: Host, supervisor: Supervisor | undefined): void {
  const reloaded = host.reload();
  supervisor?.reloading(reloaded);
  reloaded.catch(() => undefined);
}

/** What an end in order takes beyond grace and linger: half a second of silence on the sockets, a second for teardowns. */
const ALLOWANCE_MS = 2000;

/** From the first signal on: whatever hangs, the process ends, with 1 if the host has not stopped by then. Returns that time in milliseconds. */
function limitEnding({ config }: LoadedConfig, log: Log): number {
  process.exitCode = 1;
  const ms = config.shutdown.graceMs + config.limits.lingerMs + ALLOWANCE_MS;
  endWithin(ms, () => {
    const how = process.exitCode === 0 ? "stopped, but a file or a name is still waited for" : "not stopped";
    log.error(`${how} ${ms} ms after the signal; the process ends as it is`);
  });
  return ms;
}
