/** What a request asks for, as the handlers read it, and the reply that proves whose it is. */
import type { HandlerContext } from "zmqecho";

export interface Ask {
  /** The request's own number. */
  readonly n: number;
  readonly act: string;
  /** How long to take. */
  readonly ms?: number;
  /** Characters of padding that the reply is to have. */
  readonly size?: number;
  /** The error to throw. */
  readonly code?: string;
}

/** By which edition of the plugin, and of what it imports, a call was answered. */
export interface Editions {
  readonly v: number;
  readonly d?: number;
}

/** Raw has it as JSON in the first frame. */
export function askFrom(input: unknown): Ask {
  const first: unknown = Array.isArray(input) ? input[0] : input;
  return (first instanceof Uint8Array ? JSON.parse(Buffer.from(first).toString()) : first) as Ask;
}

export function replyTo(ask: Ask, input: unknown, context: HandlerContext, editions: Editions): unknown {
  const { n, size = 0 } = ask;
  const { handler: h, requestId: r, codec } = context;
  const head = { n, h, r, c: context.options.edition, k: schemaEdition(input), ...editions };
  const pad = String.fromCharCode(97 + (n % 26)).repeat(size);
  if (codec !== "raw") return { ...head, pad };
  const frame = Buffer.from(JSON.stringify(head));
  return size === 0 ? frame : [frame, Buffer.from(pad)];
}

/** Each edition of the .proto file has another name for the same field. */
function schemaEdition(input: unknown): number | undefined {
  const name = Object.keys(input as object).find((key) => /^k\d+$/.test(key));
  return name === undefined ? undefined : Number(name.slice(1));
}
