/** `zmqecho ping`: what is behind an address, whoever it is. */
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClientWith } from "../client/client.ts";
import type { CurveKeys } from "../client/connection.ts";
import { asksForOther, takesRequests, troubleWith } from "../client/diagnose.ts";
import { look, type Sighting } from "../client/look.ts";
import { createLightCodec } from "../codecs/light.ts";
import { DEFAULTS } from "../config/defaults.ts";
import { type ErrorCode, ZmqEchoError } from "../errors.ts";
import { CommandFailure, describeFailure } from "./failure.ts";
import { findServer, type ServerFlags } from "./server.ts";

export interface PingFlags extends ServerFlags {
  readonly zep?: boolean;
  readonly output: "pretty" | "json";
  readonly timeout?: number;
  readonly count?: number;
  readonly interval?: number;
}

/** One address, once. */
interface Finding {
  readonly address: string;
  readonly seen: Sighting;
  /** Until it was known who is there. */
  readonly ms: number;
  /** The answer to ZEP1 ping. */
  readonly zep?: { readonly endpoint: string; readonly ms: number };
  readonly error?: ZmqEchoError;
}

const USUAL_INTERVAL_MS = 1000;

/**
 * Prints what is there. Ends well if a REP or ROUTER is at one of the addresses, in the last round.
 * Throws a usage error (2), or a CommandFailure with the exit code of the trouble at the first address.
 */
export async function ping(address: string | undefined, flags: PingFlags): Promise<void> {
  const server = await findServer(address, flags);
  const asksZep = flags.zep ?? server.speaksZep ?? false;
  if (server.chosen !== undefined)
    process.stderr.write(`zmqecho: to endpoint ${server.chosen}, ${server.addresses.join(", ")}\n`);
  const timeoutMs = flags.timeout ?? DEFAULTS.limits.handshakeMs;
  const clients = new Map(server.addresses.map((each) => [each, clientFor(each, timeoutMs, server.curve)]));
  try {
    for (let left = flags.count ?? 1; left > 0; left--) {
      const findings: Finding[] = [];
      for (const [each, client] of clients) {
        const finding = await find(each, timeoutMs, asksZep ? client : undefined, server.curve);
        findings.push(finding);
        show(finding, flags);
      }
      if (left > 1) await delay(flags.interval ?? USUAL_INTERVAL_MS);
      else if (findings.every(({ error }) => error !== undefined))
        throw new CommandFailure(describeFailure(findings[0]?.error).exitCode);
    }
  } finally {
    for (const client of clients.values()) await client.close();
  }
}

/** Connects only when it is used. */
function clientFor(connect: string, timeoutMs: number, curve: CurveKeys | undefined): Client {
  const raw = createLightCodec("raw", "raw", DEFAULTS.limits);
  if (raw === undefined) throw new Error("raw is a light codec");
  return createClientWith(raw, { connect, timeoutMs, curve });
}

async function find(
  address: string,
  timeoutMs: number,
  client: Client | undefined,
  curve: CurveKeys | undefined,
): Promise<Finding> {
  const from = performance.now();
  const seen = await look(address, timeoutMs);
  const finding = { address, seen, ms: since(from) };
  const isBehindKeys = curve !== undefined && seen.kind === "zeromq" && seen.mechanism === "CURVE";
  if (!isBehindKeys && (curve !== undefined || !takesRequests(seen))) {
    const words = `${address}: ${troubleWith(seen, curve)}`;
    return { ...finding, error: new ZmqEchoError(codeFor(seen, curve), words) };
  }
  if (isBehindKeys) {
    const { greet } = await import("../client/greet.ts");
    const error = await failureOf(() => greet(address, curve, timeoutMs - finding.ms));
    if (error !== undefined) return { ...finding, error };
    finding.ms = since(from);
  }
  if (client === undefined) return finding;
  const askedAt = performance.now();
  try {
    const { endpoint } = await client.ping();
    return { ...finding, zep: { endpoint: String(endpoint), ms: since(askedAt) } };
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    return { ...finding, error: new ZmqEchoError(error.code, `${address}: ${error.message}`) };
  }
}

async function failureOf(call: () => Promise<void>): Promise<ZmqEchoError | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    return error;
  }
}

/** Unreachable and not ZeroMQ are `unavailable`; a peer that wants to know who asks, or is of no use for requests, is there. */
function codeFor(seen: Sighting, curve: CurveKeys | undefined): ErrorCode {
  if (seen.kind === "unreached" && seen.code === "ABSTRACT") return "unimplemented";
  if (seen.kind !== "zeromq") return "unavailable";
  if (asksForOther(seen, curve)) return "unauthenticated";
  return seen.socketType === undefined ? "unavailable" : "failed_precondition";
}

function since(from: number): number {
  return Number((performance.now() - from).toFixed(3));
}

function show(finding: Finding, { output }: PingFlags): void {
  const { address, seen, ms, zep, error } = finding;
  if (output === "json") {
    process.stdout.write(`${JSON.stringify(documentOf(finding))}\n`);
    return;
  }
  for (const line of error === undefined ? [] : describeFailure(error).lines)
    process.stderr.write(`zmqecho: ${line}\n`);
  if (error !== undefined || seen.kind !== "zeromq") return;
  // Behind keys that is told to libzmq alone, and that it is one of the two is all it tells.
  const peer = `a ${seen.socketType ?? "REP or ROUTER"} socket is there (ZMTP ${seen.version}, ${seen.mechanism}, ${ms} ms)`;
  const told = zep === undefined ? "" : `; endpoint ${JSON.stringify(zep.endpoint)} answers ZEP/1 (${zep.ms} ms)`;
  process.stdout.write(`${address}: ${peer}${told}\n`);
}

function documentOf({ address, seen, ms, zep, error }: Finding): object {
  return {
    ok: error === undefined,
    code: error?.code ?? "ok",
    ...(error !== undefined && { message: error.message }),
    address,
    reached: seen.kind !== "unreached",
    ...(seen.kind === "zeromq" && { zmtp: seen.version, mechanism: seen.mechanism, socketType: seen.socketType }),
    ...(seen.kind === "stranger" && { protocol: seen.protocol }),
    ms,
    ...(zep !== undefined && { zep }),
  };
}
