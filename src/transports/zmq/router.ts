/**
 * A ROUTER that keeps REP's rules (RFC 28, https://rfc.zeromq.org/spec/28/), so that the same REQ clients work while
 * calls run side by side: the envelope of a request comes back untouched on its reply.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Router, type SocketOptions } from "zeromq";
import type { Body } from "../../codecs/codec.ts";
import { type Loop, type LoopOptions, receiveUntilClosed } from "./loop.ts";

/** How long a reply waits for a peer that does not read: tries, and milliseconds between them. */
const SEND_TRIES = 20;
const RETRY_MS = 25;

export function createRouterLoop({ socketOptions, answer, source, log }: LoopOptions): Loop<Router> {
  // Mandatory and no timeout: a reply that can't be queued at once says so, instead of blocking all others or vanishing.
  const options: SocketOptions<Router> = { ...socketOptions, mandatory: true, sendTimeout: 0 };
  const socket = new Router(options);
  let lastReadAt = 0;
  let pending = 0;
  let allAnswered: (() => void) | undefined;
  let ended: Promise<void> | undefined;

  async function serve(): Promise<void> {
    for (;;) {
      const frames = await receiveUntilClosed(socket, log);
      if (frames === undefined) return;
      lastReadAt = performance.now();
      const end = envelopeEnd(frames);
      if (end === 0) log.debug({ endpoint: source.endpoint }, "dropped a message without an envelope");
      // An envelope alone is a probe (ZMQ_PROBE_ROUTER), to which REP says nothing.
      else if (end < frames.length) void handle(frames.slice(0, end), frames.slice(end));
    }
  }

  async function handle(envelope: Body, payload: Body): Promise<void> {
    pending++;
    const peer = envelope[0] === undefined ? "" : Buffer.from(envelope[0]).toString("latin1");
    const ready = answer(payload, { ...source, peer });
    const body = ready instanceof Promise ? await ready : ready;
    await send([...envelope, ...body]);
    pending--;
    if (pending === 0) allAnswered?.();
  }

  async function send(frames: Uint8Array[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await socket.send(frames);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EHOSTUNREACH") return log.debug({ endpoint: source.endpoint }, "the peer left before its reply");
        if (code !== "EAGAIN" || tries === SEND_TRIES) {
          return log.warn({ err: error, endpoint: source.endpoint }, "dropped a reply that its peer does not take");
        }
        await delay(RETRY_MS);
      }
    }
  }

  return {
    socket,
    lastReadAt: () => lastReadAt,
    run() {
      ended = serve();
    },
    async stop() {
      if (pending > 0) {
        await new Promise<void>((resolve) => {
          allAnswered = resolve;
        });
      }
      socket.close();
      await ended;
    },
  };
}

/** How many frames belong to the envelope: the peer's id up to and including the first empty frame; 0 if there is none. */
function envelopeEnd(frames: Body): number {
  for (let index = 1; index < frames.length; index++) if (frames[index]?.length === 0) return index + 1;
  return 0;
}
