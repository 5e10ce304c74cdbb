/**
 * What our spans say, by the conventions for RPC: https://opentelemetry.io/docs/specs/semconv/rpc/rpc-spans/ (1.45).
 * Our codes are spelled as Connect's, and so are the ones that count as errors.
 */
import type { Attributes, Span } from "@opentelemetry/api";
import type { ErrorCode } from "../errors.ts";
import { type AddressUse, parseAddress } from "../wire/address.ts";
import type { TracingApi } from "./api.ts";

/** `rpc.system.name`, and the name of a span whose method is not known. */
export const SYSTEM = "zmqecho";

/** The conventions' word for a method that nobody serves. */
export const OTHER_METHOD = "_OTHER";

/** The server's own failures. The other codes are answers to what the caller did, and leave its span's status unset. */
const SERVER_FAILURES: ReadonlySet<ErrorCode> = new Set([
  "unknown",
  "deadline_exceeded",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
]);

export function isServerFailure(code: ErrorCode): boolean {
  return SERVER_FAILURES.has(code);
}

/** Where a server is, of an address that is bound or connected. */
export function addressAttributes(address: string, use: AddressUse): Attributes {
  const parsed = parseAddress(address, use);
  if (parsed.transport === "ipc") return { "server.address": parsed.path, "network.transport": "unix" };
  return { "server.address": parsed.host, "server.port": parsed.port, "network.transport": "tcp" };
}

export function markFailed(api: TracingApi, span: Span, code: ErrorCode, message: string): void {
  span.setAttribute("error.type", code);
  span.setStatus({ code: api.SpanStatusCode.ERROR, message });
}
