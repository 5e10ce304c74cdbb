/** `zmqecho list` and `zmqecho describe`: what a configuration or a live endpoint serves. */
import { createClientWith } from "../client/client.ts";
import type { Introspection } from "../client/introspect.ts";
import { createLightCodec } from "../codecs/light.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../errors.ts";
import { describeHandler, type HandlerFacts, handlersOf, listOf, type Setting } from "../introspection.ts";
import { suggestion } from "../wording.ts";
import { usageError } from "./failure.ts";
import { lookAtPlugins, warn } from "./look-at-plugins.ts";
import { findServer, type ServerFlags } from "./server.ts";
import { descriptionText, listText } from "./tables.ts";

export interface IntrospectFlags extends ServerFlags {
  readonly output: "pretty" | "json";
  readonly timeout?: number;
}

/** Throws a ConfigError (2) for a configuration that can't be read, or the call's own error (64 + its number). */
export async function list(flags: IntrospectFlags): Promise<void> {
  const told = isLive(flags) ? await ask(flags, (server) => server.list()) : listLocal(await lookLocal(flags));
  print(told, listText, flags);
}

/** As {@link list}. A handler that there is not is a usage error (2) here, and `not_found` there. */
export async function describe(handler: string, flags: IntrospectFlags): Promise<void> {
  const told = isLive(flags)
    ? await ask(flags, (server) => server.describe(handler))
    : describeLocal(await lookLocal(flags), handler);
  print(told, descriptionText, flags);
}

function isLive({ connect = [], endpoint }: ServerFlags): boolean {
  return connect.length > 0 || endpoint !== undefined;
}

async function ask<Told>(flags: IntrospectFlags, question: (server: Introspection) => Promise<Told>): Promise<Told> {
  const { addresses, speaksZep, timeoutMs } = await findServer(undefined, flags);
  if (speaksZep === false)
    throw usageError(`endpoint ${flags.endpoint} is plain: it does not speak ZEP/1, which tells of handlers`);
  const raw = createLightCodec("raw", "raw", DEFAULTS.limits);
  if (raw === undefined) throw new Error("raw is a light codec");
  const client = createClientWith(raw, {
    connect: addresses,
    timeoutMs: flags.timeout ?? timeoutMs ?? DEFAULTS.clientTimeoutMs,
  });
  try {
    return await question(client);
  } finally {
    await client.close();
  }
}

interface Local {
  readonly handlers: readonly HandlerFacts[];
  readonly setting: Setting;
}

/** What is wrong is told, and the rest shown all the same. Nothing may be waited for afterwards. */
async function lookLocal({ config: file }: IntrospectFlags): Promise<Local> {
  const loaded = await loadConfig(file === undefined ? {} : { file });
  const { assembly, problems } = await lookAtPlugins(loaded);
  for (const { name, message, ...place } of assembly.broken)
    warn(`plugin ${name} does not load: ${formatProblem({ ...place, message })}`);
  for (const problem of problems) warn(formatProblem(problem));
  const { config } = loaded;
  return { handlers: handlersOf(config, assembly), setting: { config, assembly, limits: config.limits } };
}

function listLocal({ handlers, setting }: Local) {
  return listOf(handlers, setting);
}

function describeLocal({ handlers, setting }: Local, name: string) {
  const names = handlers.map((each) => each.name);
  if (!names.includes(name)) throw usageError(`there is no handler ${JSON.stringify(name)}${suggestion(name, names)}`);
  return describeHandler(handlers, name, setting);
}

function print<Told>(told: Told, text: (told: Told) => string, { output }: IntrospectFlags): void {
  process.stdout.write(output === "json" ? `${JSON.stringify(told, null, 2)}\n` : text(told));
}
