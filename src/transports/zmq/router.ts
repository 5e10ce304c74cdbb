/**
 * A ROUTER that keeps REP's rules (RFC 28, https://rfc.zeromq.org/spec/28/): the envelope of a request comes back
 * untouched on its reply, so any REQ client works. In lock-step the next request is read when the one before is
 * answered; otherwise calls run side by side.
 *
 * Not a REP even in lock-step: libzmq's (4.3.5) loses the reply to the next request after a message without REQ's
 * empty frame whose sender has gone.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Router, type SocketOptions } from "zeromq";
import type { Body } from "../../codecs/codec.ts";
import type { Source } from "../../core/call.ts";
import { tooManyOfPeer } from "../../core/refusals.ts";
import { createTally } from "../../tally.ts";
import type { BatchItem } from "../../wire/batch.ts";
import { bytesOf } from "../../wire/limits.ts";
import { BatchReplies } from "./batch.ts";
import { noteSent } from "./collect.ts";
import { type Loop, type LoopOptions, PASSING, readMessages } from "./loop.ts";
import { createOutbox } from "./outbox.ts";
import { Peer } from "./peer.ts";
import { createTurns, MOST_WAITING } from "./turns.ts";
import { createUnsent, LARGE_BYTES } from "./unsent.ts";

/** How long `stop` may go on for peers who do not stop sending, or do not read. */
const LONGEST_STOP_MS = 1000;
const LOOK_MS = 2;

/** More frames than any chain of proxies would put before a request. */
const MAX_ENVELOPE_FRAMES = 32;

/** What libzmq may keep for each peer, with twice the size of a message at most; in lock-step it waits there while a handler runs. */
const MOST_UNREAD = 128;
const MOST_UNREAD_IN_LOCK_STEP = 16;
/** And of replies; those in which many bytes are, are counted in bytes. */
const MOST_UNSENT = 256;

const NO_ROOM: NodeJS.ErrnoException = Object.assign(new Error("too much for this peer has not been sent yet"), {
  code: "EAGAIN",
});

const NOBODY = Buffer.alloc(0);

export function createRouterLoop({ socketOptions, lockStep, answerer, endpoint, log }: LoopOptions): Loop {
  // Mandatory and no timeout: a reply that can't be queued at once says so, instead of blocking all others or vanishing.
  const options: SocketOptions<Router> = {
    ...socketOptions,
    mandatory: true,
    sendTimeout: 0,
    receiveHighWaterMark: lockStep() ? MOST_UNREAD_IN_LOCK_STEP : MOST_UNREAD,
    sendHighWaterMark: MOST_UNSENT,
  };
  const socket = new Router(options);
  const dropped = createTally((count) => log.warn({ endpoint, count }, "dropped replies that their peers do not take"));
  const unsent = createUnsent();
  const outbox = createOutbox({ send: hand, sent: done, lost, empty: taken });
  // Who does not take replies gets no new ones: its calls wait, as those of a server that it had to wait for would.
  const turns = createTurns(socket, (peer) => !outbox.isWaiting(peer));
  let wakeReader: () => void = () => {};
  let droppedSoFar = 0;
  let lastReadAt = 0;
  /** Requests that are read and not yet replied to. */
  let pending = 0;
  let ended: Promise<void> | undefined;

  function accept(frames: Uint8Array[], readAt: number, bytes: number): Promise<void> | undefined {
    lastReadAt = readAt;
    const end = envelopeEnd(frames);
    if (end === 0 || end > MAX_ENVELOPE_FRAMES) {
      log.debug({ endpoint }, "dropped a message without REQ's envelope");
      return undefined;
    }
    // An envelope alone is a probe (ZMQ_PROBE_ROUTER), to which REP says nothing.
    if (end === frames.length) return undefined;
    const payload = frames.splice(end);
    const envelope = frames;
    const peer = envelope[0] ?? NOBODY;
    const source = new Peer(endpoint, peer);
    const batch = answerer().unpack(payload);
    if (batch !== undefined) return acceptBatch(envelope, batch, peer, source, bytes);
    pending++;
    const give = (body: Body) => send([...envelope, ...body], 1);
    const begin = () => begun(reply(payload, source, give));
    if (!turns.isWaiting(peer) && !outbox.isWaiting(peer)) return begin();
    if (!turns.add(peer, [begin], bytes)) give(answerer().refuse(tooManyOfPeer(MOST_WAITING), source));
    return undefined;
  }

  function acceptBatch(
    envelope: Body,
    batch: readonly BatchItem[],
    peer: Uint8Array,
    source: Source,
    bytes: number,
  ): undefined {
    pending += batch.length;
    const replies = new BatchReplies(envelope, batch.length, send);
    const calls = batch.map(
      ({ id, frames }) =>
        () =>
          begun(reply(frames, source, (body) => replies.add(id, body))),
    );
    if (turns.add(peer, calls, bytes)) return;
    for (const { id } of batch) replies.add(id, answerer().refuse(tooManyOfPeer(MOST_WAITING), source));
  }

  /** What the next call has to wait for. */
  function begun(over: Promise<void> | undefined): Promise<void> | undefined {
    // One that had to wait for its turn counts as if it came now: an endpoint that stops waits for the next one.
    lastReadAt = performance.now();
    return lockStep() ? over : undefined;
  }

  function reply(payload: Body, source: Source, give: (body: Body) => void): Promise<void> | undefined {
    try {
      const ready = answerer().answer(payload, source);
      if (ready instanceof Promise) return ready.then(give).catch(failed);
      give(ready);
    } catch (error) {
      failed(error);
    }
    return undefined;
  }

  /** A bug of ours, which must not cost the others. */
  function failed(err: unknown): void {
    log.error({ endpoint, err }, "a reply could not be sent");
    done(1);
  }

  function send(frames: Body, replies: number): void {
    if (socket.closed) {
      done(replies);
      return;
    }
    const peer = frames[0] ?? NOBODY;
    if (outbox.isWaiting(peer)) {
      outbox.add(peer, frames, replies);
      return;
    }
    hand(peer, frames).then(
      () => done(replies),
      (error: NodeJS.ErrnoException) => {
        if (PASSING.has(error.code ?? "")) outbox.add(peer, frames, replies);
        else lost(replies, error);
      },
    );
  }

  /** Rejects with one of {@link PASSING} if it should wait. */
  function hand(peer: Uint8Array, frames: Body): Promise<void> {
    if (socket.closed) return Promise.resolve();
    const bytes = bytesOf(frames);
    if (bytes < LARGE_BYTES) return socket.send(frames as Uint8Array[]);
    if (unsent.isTooMuch(peer)) return Promise.reject(NO_ROOM);
    noteSent(bytes);
    return socket.send(unsent.sending(peer, frames, bytes) as Uint8Array[]);
  }

  function taken(peer: Uint8Array, error?: unknown): void {
    if (error === undefined) turns.wake(peer);
    else lost(turns.giveUp(peer), error);
    wakeReader();
  }

  function early(): Promise<void> | undefined {
    if (turns.isEmpty) return undefined;
    // Its peer may have taken its replies since the last look.
    if (turns.isReady()) return Promise.resolve();
    return new Promise((resolve) => {
      wakeReader = resolve;
    });
  }

  function lost(replies: number, error: unknown): void {
    if (replies === 0) return;
    droppedSoFar += replies;
    if ((error as NodeJS.ErrnoException | undefined)?.code === "EHOSTUNREACH")
      log.debug({ endpoint }, "the peer left before its reply");
    else dropped.add(replies);
    done(replies);
  }

  function done(replies: number): void {
    pending -= replies;
    if (lockStep()) lastReadAt = performance.now();
  }

  return {
    socket,
    dropped: () => droppedSoFar,
    lastActiveAt: () => (lockStep() && pending > 0 ? performance.now() : lastReadAt),
    run() {
      ended = readMessages(socket, log, { handle: accept, between: turns.take, early });
    },
    async stop() {
      const limit = performance.now() + LONGEST_STOP_MS;
      // Requests that reached us may still wait in the socket, in lock-step above all: they are told that it is over. While
      // none is pending the reader waits for the next, so what is there reaches it within a turn of the event loop. The
      // socket is not asked: who asks takes the signal that would wake the reader.
      for (let calmLooks = 0, readAt = lastReadAt; calmLooks < 2 && performance.now() < limit; readAt = lastReadAt) {
        await delay(LOOK_MS);
        calmLooks = pending === 0 && readAt === lastReadAt ? calmLooks + 1 : 0;
      }
      socket.close();
      await ended;
      dropped.tell();
    },
  };
}

/** How many frames belong to the envelope: the peer's id up to and including the first empty frame; 0 if there is none. */
function envelopeEnd(frames: Body): number {
  for (let index = 1; index < frames.length; index++) if (frames[index]?.length === 0) return index + 1;
  return 0;
}
