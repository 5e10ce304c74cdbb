/** Takes failed calls off the way of a request: what must be kept waits here for the disk, within a bound, and calls wait for nothing. */
import { setImmediate as turn } from "node:timers/promises";
import type { Body } from "../codecs/codec.ts";
import type { Call, Durations, Failure } from "../core/call.ts";
import { textOf } from "../errors.ts";
import type { Log } from "../handler.ts";
import { LinkedList } from "../linked-list.ts";
import { createTally } from "../tally.ts";
import { NO_METADATA } from "../wire/json-frames.ts";
import { bytesOf } from "../wire/limits.ts";
import { oneLine, writePlainError, writeReply, writeRequest } from "../wire/zep.ts";
import { type Bounds, createCaptureFiles, type Head } from "./files.ts";

export interface FailedRequest {
  readonly call: Call;
  readonly outcome: Failure;
  readonly durations: Durations;
  readonly head: () => Head;
}

interface Waiting extends FailedRequest {
  readonly at: number;
  readonly bytes: number;
}

export interface Keeper {
  /** From the next request on. */
  configure(bounds: Bounds): void;
  /** Looks at the folder before anything fails, so that the log says in time what is wrong with it. */
  look(): void;
  /** Neither waits nor throws. */
  keep(failed: FailedRequest): void;
  /** Resolves when nothing waits for the disk. */
  written(): Promise<void>;
}

/** What may wait for the disk, in bytes; more is dropped. */
const MOST_WAITING = 64 * 1024 * 1024;

/** What a call takes beside its body and its error. */
const BYTES_EACH = 1024;

/** Told less often than this, so that a disk on which now this fits and now that does not fill the log. */
const RECOVERED_AFTER_MS = 1000;

export function createKeeper(dir: string, first: Bounds, log: Log): Keeper {
  const files = createCaptureFiles(dir, first);
  const waiting = new LinkedList<Waiting>();
  let waitingBytes = 0;
  let { max } = first;
  let working: Promise<void> | undefined;
  let trouble: { readonly since: number; lost: number } | undefined;
  const dropped = createTally((count) =>
    log.warn({ count, dir }, "did not keep failed requests: they come faster than the disk takes them"),
  );

  function keep({ call, ...rest }: FailedRequest): void {
    const bytes = BYTES_EACH + lengthOfError(rest.outcome) + bytesOf(call.body) + lengthOfMetadata(call);
    if (waitingBytes + bytes > MOST_WAITING) {
      dropped.add(1);
      return;
    }
    waitingBytes += bytes;
    const at = Date.now() - rest.durations.totalMs;
    waiting.append({ ...rest, call: { ...call, body: alone(call.body) }, at, bytes });
    // It would be removed again to make room for those behind it, and a stop would wait for that.
    if (waiting.size > max) waitingBytes -= next()?.bytes ?? 0;
    work(write);
  }

  function next(): Waiting | undefined {
    const { first: node } = waiting;
    if (node !== undefined) waiting.remove(node);
    return node?.item;
  }

  function work(what: () => Promise<void>): void {
    working ??= what().finally(() => {
      working = undefined;
      if (waiting.size > 0) work(write);
    });
  }

  async function write(): Promise<void> {
    // The reply goes first.
    await turn();
    for (let failed = next(); failed !== undefined; failed = next()) {
      const one = failed;
      await attempt(() => append(one));
      waitingBytes -= one.bytes;
    }
  }

  async function append({ call, outcome, durations, head, at }: Waiting): Promise<void> {
    const { handler, codec, metadata, body, source } = call;
    const said = head();
    const { requestId } = outcome.details;
    await files.append(source.endpoint, said, {
      at,
      request: said.zep ? writeRequest({ verb: "call", handler, codec, metadata, body }) : body,
      reply: said.zep ? writeReply(outcome) : writePlainError(outcome),
      latencyMs: durations.totalMs,
      failed: {
        code: outcome.code,
        message: oneLine(outcome.message),
        endpoint: source.endpoint,
        handler,
        version: durations.version,
        requestId: typeof requestId === "string" ? requestId : undefined,
        peer: source.peer,
      },
    });
  }

  /** Says when it begins to fail, and when it works again. */
  async function attempt(job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (err) {
      if (trouble === undefined) {
        trouble = { since: performance.now(), lost: 0 };
        log.error({ dir, err }, `can't keep failed requests in ${dir}: ${textOf(err)}; calls are served as before`);
      }
      trouble.lost++;
      return;
    }
    if (trouble === undefined || performance.now() - trouble.since < RECOVERED_AFTER_MS) return;
    log.info({ dir, lost: trouble.lost }, `failed requests are kept in ${dir} again`);
    trouble = undefined;
  }

  async function written(): Promise<void> {
    while (working !== undefined) await working;
    dropped.tell();
  }

  function configure(bounds: Bounds): void {
    max = bounds.max;
    files.configure(bounds);
  }

  return { configure, look: () => work(() => attempt(files.look)), keep, written };
}

/** What a handler says may be large, whatever of it is sent. */
function lengthOfError({ message, details }: Failure): number {
  return message.length + JSON.stringify(details).length;
}

function lengthOfMetadata({ metadata }: Call): number {
  if (metadata === NO_METADATA) return 0;
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

/** The frames are nobody else's. One that is a part of something larger, such as a batch, would hold all of that. */
function alone(body: Body): Body {
  return body.map((frame) => (frame.length < frame.buffer.byteLength ? new Uint8Array(frame) : frame));
}
