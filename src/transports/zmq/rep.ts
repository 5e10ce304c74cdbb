/** A REP socket in lock-step: one request is read, answered, and only then the next one read. */
import { Reply, type SocketOptions } from "zeromq";
import type { Body } from "../../codecs/codec.ts";
import type { Source } from "../../core/call.ts";
import type { Log } from "../../handler.ts";
import type { Answer } from "./framing.ts";
import { type Loop, type LoopOptions, receiveUntilClosed } from "./loop.ts";

/** Long enough for a reply to be queued; without a limit libzmq's state errors would hang instead of showing. */
const SEND_TIMEOUT_MS = 5000;

export function createReplyLoop({ socketOptions, answer, source, log }: LoopOptions): Loop<Reply> {
  const options: SocketOptions<Reply> = { ...socketOptions, sendTimeout: SEND_TIMEOUT_MS };
  const socket = new Reply(options);
  let lastReadAt = 0;
  let answering = false;
  let stopping = false;
  let ended: Promise<void> | undefined;

  async function serve(): Promise<void> {
    for (;;) {
      const frames = await receiveUntilClosed(socket, log);
      if (frames === undefined) return;
      lastReadAt = performance.now();
      answering = true;
      await reply(socket, answer, frames, source, log);
      answering = false;
      if (stopping) socket.close();
    }
  }

  return {
    socket,
    lastReadAt: () => lastReadAt,
    run() {
      ended = serve();
    },
    async stop() {
      stopping = true;
      if (!answering) socket.close();
      await ended;
    },
  };
}

async function reply(socket: Reply, answer: Answer, frames: Body, source: Source, log: Log): Promise<void> {
  const ready = answer(frames, source);
  const body = ready instanceof Promise ? await ready : ready;
  try {
    // zeromq.js does not change the list; its type only fails to say so.
    await socket.send(body as Uint8Array[]);
  } catch (error) {
    log.warn({ err: error, endpoint: source.endpoint }, "a reply could not be sent");
  }
}
