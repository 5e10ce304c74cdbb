/** Where a call is in a trace, as it travels: W3C Trace Context, https://www.w3.org/TR/trace-context/ */
import type { Metadata } from "../handler.ts";

/** The two headers, as metadata and messages to workers carry them. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

export interface Traceparent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: of the span that whatever follows is a child of. */
  readonly spanId: string;
  /** A byte; 1 stands for sampled. */
  readonly flags: number;
}

/** Version 00 ends with its flags; a later one may go on. Version ff, and ids of zeros only, are invalid. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for what is malformed. */
export function parseTraceparent(text: string): Traceparent | undefined {
  const [, version, traceId, spanId, flags = "", rest] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || (version === "00" && rest !== undefined)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

export function writeTraceparent({ traceId, spanId, flags }: Traceparent): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

/** What a call's metadata tell; undefined if that is nothing, or malformed. */
export function traceContextIn(metadata: Metadata): { traceId: string; context: TraceContext } | undefined {
  const { traceparent, tracestate } = metadata;
  const parsed = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  if (traceparent === undefined || parsed === undefined) return undefined;
  return { traceId: parsed.traceId, context: { traceparent, ...(tracestate !== undefined && { tracestate }) } };
}
