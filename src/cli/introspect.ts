/** `zmqecho list` and `zmqecho describe`: what a configuration or a live endpoint serves. */
import { createClientWith } from "../client/client.ts";
import type { Introspection } from "../client/introspect.ts";
import { createLightCodec } from "../codecs/light.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { usageError } from "./failure.ts";
import type { LocalHandlers } from "./local-handlers.ts";
import { findServer, type ServerFlags } from "./server.ts";
import { descriptionText, listText } from "./tables.ts";

export interface IntrospectFlags extends ServerFlags {
  readonly output: "pretty" | "json";
  readonly timeout?: number;
}

/** Throws a ConfigError (2) for a configuration that can't be read, or the call's own error (64 + its number). */
export async function list(flags: IntrospectFlags): Promise<void> {
  const told = isLive(flags) ? await ask(flags, (server) => server.list()) : (await lookLocal(flags)).list();
  print(told, listText, flags);
}

/** As {@link list}. A handler that there is not is a usage error (2) here, and `not_found` there. */
export async function describe(handler: string, flags: IntrospectFlags): Promise<void> {
  const told = isLive(flags)
    ? await ask(flags, (server) => server.describe(handler))
    : (await lookLocal(flags)).describe(handler);
  print(told, descriptionText, flags);
}

async function lookLocal({ config, serverKey, certificate }: IntrospectFlags): Promise<LocalHandlers> {
  if (serverKey !== undefined || certificate !== undefined)
    throw usageError("--server-key and --certificate are for a server, of --connect or --endpoint");
  const { loadHandlers } = await import("./local-handlers.ts");
  return loadHandlers(config);
}

function isLive({ connect = [], endpoint }: ServerFlags): boolean {
  return connect.length > 0 || endpoint !== undefined;
}

async function ask<Told>(flags: IntrospectFlags, question: (server: Introspection) => Promise<Told>): Promise<Told> {
  const { addresses, speaksZep, timeoutMs, curve } = await findServer(undefined, flags);
  if (speaksZep === false)
    throw usageError(`endpoint ${flags.endpoint} is plain: it does not speak ZEP/1, which tells of handlers`);
  const raw = createLightCodec("raw", "raw", DEFAULTS.limits);
  if (raw === undefined) throw new Error("raw is a light codec");
  const client = createClientWith(raw, {
    connect: addresses,
    curve,
    timeoutMs: flags.timeout ?? timeoutMs ?? DEFAULTS.clientTimeoutMs,
  });
  try {
    return await question(client);
  } finally {
    await client.close();
  }
}

function print<Told>(told: Told, text: (told: Told) => string, { output }: IntrospectFlags): void {
  process.stdout.write(output === "json" ? `${JSON.stringify(told, null, 2)}\n` : text(told));
}
