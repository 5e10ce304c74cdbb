/**
 * A ROUTER that keeps REP's rules (RFC 28, https://rfc.zeromq.org/spec/28/), so that the same REQ clients work while
 * calls run side by side: the envelope of a request comes back untouched on its reply.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Router, type SocketOptions } from "zeromq";
import type { Body } from "../../codecs/codec.ts";
import { LONGEST_STOP_MS, type Loop, type LoopOptions, readMessages } from "./loop.ts";
import { createTally } from "./tally.ts";

/** How long a reply waits for a peer that does not read: tries, and milliseconds between them. */
const SEND_TRIES = 20;
const RETRY_MS = 25;

/** More frames than any chain of proxies would put before a request. */
const MAX_ENVELOPE_FRAMES = 32;

export function createRouterLoop({ socketOptions, answer, source, log }: LoopOptions): Loop<Router> {
  // Mandatory and no timeout: a reply that can't be queued at once says so, instead of blocking all others or vanishing.
  const options: SocketOptions<Router> = { ...socketOptions, mandatory: true, sendTimeout: 0 };
  const socket = new Router(options);
  const dropped = createTally((count) =>
    log.warn({ endpoint: source.endpoint, count }, "dropped replies that their peers do not take"),
  );
  let lastReadAt = 0;
  let pending = 0;
  let stopping = false;
  let allAnswered: (() => void) | undefined;
  let ended: Promise<void> | undefined;

  function accept(frames: Buffer[]): undefined {
    lastReadAt = performance.now();
    const end = envelopeEnd(frames);
    if (end === 0 || end > MAX_ENVELOPE_FRAMES) {
      log.debug({ endpoint: source.endpoint }, "dropped a message without REQ's envelope");
    } else if (end < frames.length) {
      // An envelope alone is a probe (ZMQ_PROBE_ROUTER), to which REP says nothing.
      pending++;
      handle(frames.slice(0, end), frames.slice(end)).finally(done).catch(failed);
    }
    return undefined;
  }

  async function handle(envelope: Body, payload: Body): Promise<void> {
    const ready = answer(payload, source);
    const body = ready instanceof Promise ? await ready : ready;
    await send([...envelope, ...body]);
  }

  function done(): void {
    pending--;
    if (pending === 0) allAnswered?.();
  }

  function failed(err: unknown): void {
    log.error({ err }, "a message could not be answered");
  }

  async function send(frames: Uint8Array[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await socket.send(frames);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EHOSTUNREACH") return log.debug({ endpoint: source.endpoint }, "the peer left before its reply");
        if (code !== "EAGAIN" || tries === SEND_TRIES || stopping) return dropped.add();
        await delay(RETRY_MS);
      }
    }
  }

  return {
    socket,
    lastActiveAt: () => lastReadAt,
    run() {
      ended = readMessages(socket, log, accept);
    },
    async stop() {
      stopping = true;
      if (pending > 0) {
        await new Promise<void>((resolve) => {
          const limit = setTimeout(resolve, LONGEST_STOP_MS);
          allAnswered = () => {
            clearTimeout(limit);
            resolve();
          };
        });
      }
      socket.close();
      dropped.tell();
      await ended;
    },
  };
}

/** How many frames belong to the envelope: the peer's id up to and including the first empty frame; 0 if there is none. */
function envelopeEnd(frames: Body): number {
  for (let index = 1; index < frames.length; index++) if (frames[index]?.length === 0) return index + 1;
  return 0;
}
