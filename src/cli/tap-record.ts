/** What `tap` records: a head that says where the messages went, then each request with its reply. */
import { textOf } from "../errors.ts";
import type { Entry, Header } from "../recording/format.ts";
import { createRecorder, type Recorder } from "../recording/write.ts";
import type { Exchange } from "../tap/exchanges.ts";
import type { Destination } from "./destination.ts";
import { usageError } from "./failure.ts";
import { alreadyThere } from "./new-file.ts";

/** Undefined if it can't be sent again, or compared, since a part of it was too large to keep. */
export function entryOf({ number, at, request, reply, latencyMs }: Exchange, startedAt: number): Entry | undefined {
  if (request.body === undefined || (reply !== undefined && reply.body === undefined)) return undefined;
  const replied = reply?.body !== undefined && { reply: reply.body, latencyMs: latencyMs ?? 0 };
  return { number, atMs: at - startedAt, request: request.body, ...replied };
}

export function headerOf({ codec, spec }: Destination, target: string, zep: boolean): Header {
  return {
    target,
    codec: codec.name,
    ...(spec !== undefined && spec !== codec.name && { spec }),
    zep,
    startedAt: new Date().toISOString(),
  };
}

export async function openRecorder(file: string, header: Header, onFailed: (error: Error) => void): Promise<Recorder> {
  try {
    return await createRecorder(file, header, onFailed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere([file]);
    throw usageError(`can't record to ${file}: ${textOf(error)}`);
  }
}
