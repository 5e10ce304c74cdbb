/** Hosts for tests: on free ports, quiet, stopped when their test ends. */
import { createServer } from "node:net";
import { onTestFinished } from "vitest";
import type { ConfigInput } from "../src/config/schema.ts";
import type { HandlerDefinition, HandlerFunction, Log } from "../src/handler.ts";
import { createHost, type Host, type HostOptions } from "../src/host.ts";

/** What a log was told, by level. */
export interface Recorded {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export interface RecordingLog extends Log {
  readonly records: Recorded[];
  /** Resolves with the first record whose message has this in it, of those that are there or of those that come. */
  logged(text: string): Promise<Recorded>;
}

/** A log that keeps what it is told. */
export function recordingLog(
  records: Recorded[] = [],
  bound: Record<string, unknown> = {},
  waiting = new Set<(record: Recorded) => void>(),
): RecordingLog {
  const method = (level: Recorded["level"]) => (first: string | object, message?: string) => {
    const [fields, text] = typeof first === "string" ? [{}, first] : [first, message ?? ""];
    const record = { level, fields: { ...bound, ...fields }, message: text };
    records.push(record);
    for (const look of waiting) look(record);
  };
  return {
    records,
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
    child: (fields) => recordingLog(records, { ...bound, ...fields }, waiting),
    logged: (text) =>
      new Promise((resolve) => {
        const look = (record: Recorded) => {
          if (!record.message.includes(text)) return;
          waiting.delete(look);
          resolve(record);
        };
        waiting.add(look);
        records.forEach(look);
      }),
  };
}

/** A started host whose only plugins are the shipped ones and those given. */
export async function startHost(
  config: ConfigInput,
  handlers: Record<string, HandlerDefinition | HandlerFunction> = {},
  options: HostOptions = {},
): Promise<Host> {
  const host = createHost({ plugins: [], watch: false, ...config }, { handlers, log: recordingLog(), ...options });
  await host.start();
  onTestFinished(() => host.stop());
  return host;
}

/** The first address of an endpoint. */
export function addressOf(host: Host, endpoint: string): string {
  const address = host.addresses.get(endpoint)?.[0];
  if (address === undefined) throw new Error(`endpoint ${endpoint} has no address`);
  return address;
}

export const ANY_PORT = "tcp://127.0.0.1:*";

/** A port on which nobody listens. */
export async function deadAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}
