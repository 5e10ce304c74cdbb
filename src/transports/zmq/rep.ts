/** A REP socket in lock-step: one request is read, answered, and only then the next one read. */
import { Reply, type SocketOptions } from "zeromq";
import { LONGEST_STOP_MS, type Loop, type LoopOptions, readMessages } from "./loop.ts";

/** Long enough for a reply to be queued; without a limit libzmq's state errors would hang instead of showing. */
const SEND_TIMEOUT_MS = 5000;

export function createReplyLoop({ socketOptions, answer, source, log }: LoopOptions): Loop<Reply> {
  const options: SocketOptions<Reply> = { ...socketOptions, sendTimeout: SEND_TIMEOUT_MS };
  const socket = new Reply(options);
  let lastActiveAt = 0;
  let answering = false;
  let stopping = false;
  let ended: Promise<void> | undefined;

  async function reply(frames: Buffer[]): Promise<void> {
    answering = true;
    const ready = answer(frames, source);
    const body = ready instanceof Promise ? await ready : ready;
    try {
      // zeromq.js does not change the list; its type only fails to say so.
      await socket.send(body as Uint8Array[]);
    } catch (err) {
      log.warn({ err, endpoint: source.endpoint }, "a reply could not be sent");
    }
    answering = false;
    lastActiveAt = performance.now();
    if (stopping) closeIfDone();
  }

  /** In lock-step, requests that reached us may still wait in the socket while one is answered. */
  function closeIfDone(): void {
    if (!answering && !socket.readable) socket.close();
  }

  return {
    socket,
    lastActiveAt: () => (answering ? performance.now() : lastActiveAt),
    run() {
      ended = readMessages(socket, log, reply);
    },
    async stop() {
      stopping = true;
      closeIfDone();
      const limit = setTimeout(() => socket.close(), LONGEST_STOP_MS);
      await ended;
      clearTimeout(limit);
    },
  };
}
