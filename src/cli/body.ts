/** BODY and the like on the command line: text, `@FILE`, or `-` for standard input; never guessed. */
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Body, Codec } from "../codecs/codec.ts";
import { valueFromJson } from "../codecs/from-json.ts";
import { textOf, ZmqEchoError } from "../errors.ts";
import { usageError } from "./failure.ts";

/** The bytes that BODY stands for. Throws a usage error for a file that can't be read. */
export async function readBody(given: string): Promise<Uint8Array> {
  if (given === "-" || given === "@-") return buffer(process.stdin);
  if (!given.startsWith("@")) return Buffer.from(given);
  const file = given.slice(1);
  try {
    return await readFile(file);
  } catch (error) {
    throw usageError(`can't read ${file}: ${textOf(error)} (what starts with @ names a file)`);
  }
}

/**
 * BODY as a value: its bytes for raw, else its JSON (protobuf: by the ProtoJSON rules). Throws a usage error.
 * @param what how errors call it
 */
export async function valueFromBody(
  given: string,
  codec: Codec,
  takesBytes: boolean,
  what = "the body",
): Promise<unknown> {
  return valueFromBytes(await readBody(given), codec, takesBytes, what);
}

/** The same for what has been read already. */
export function valueFromBytes(bytes: Uint8Array, codec: Codec, takesBytes: boolean, what: string): unknown {
  return takesBytes ? bytes : asUsage(() => valueFromJson(bytes, codec, what));
}

/** A body that its codec can't carry is a matter of usage: nothing has been sent. */
export function encodeBody(codec: Codec, value: unknown): Body {
  return asUsage(() => codec.encodeBody(value));
}

function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw ZmqEchoError.is(error) ? usageError(error.message) : error;
  }
}

/** True if a shell's pipe or redirection feeds standard input. */
export function isFed(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile();
  } catch {
    return false;
  }
}
