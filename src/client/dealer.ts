/**
 * Many requests at once, over a DEALER that speaks as a REQ does: an envelope that ends with an empty frame. In it is the
 * number of the request, which a REP and whoever keeps its rules (RFC 28) sends back, so replies may come in any order.
 */
import { Dealer } from "zeromq";
import type { Body } from "../codecs/codec.ts";
import { ZmqEchoError } from "../errors.ts";
import { type BatchLimits, isLarge, packBatch } from "../wire/batch.ts";
import { writeRequest } from "../wire/zep.ts";
import { BATCH_QUESTION, inBatches, readBatch, readBatchAnswer } from "./batching.ts";
import {
  type Connection,
  type ConnectionOptions,
  connectSocket,
  isInterrupted,
  isPassing,
  noAnswer,
  socketOptions,
} from "./connection.ts";
import { InFlight } from "./in-flight.ts";
import { sendTogether } from "./together.ts";
import { type Waiting, waitFor } from "./wait.ts";

interface Call {
  /** Its number in the envelope, or in a batch. */
  readonly id: number;
  readonly frames: Body;
  readonly waiting: Waiting<Body>;
  /** The number of the batch in which it was sent: that of the first of its calls. */
  batch?: number;
}

const EMPTY = Buffer.alloc(0);
const NUMBER_BYTES = 4;
const NO_ENVELOPE =
  '; replies without the request\'s envelope came: this server keeps none, so ask it one at a time ("maxInFlight": 1)';

/** For requests in ZEP/1 alone: those that leave together travel as one message if the server takes such. */
export function openBatchingDealer(options: ConnectionOptions): Connection {
  return openDealer(options, true);
}

export function openDealer(options: ConnectionOptions, batching = false): Connection {
  const { address } = options;
  // No waiting for room: only a peer that reads nothing any more leaves none, and more would fill the memory.
  const room = 2 * options.limits.maxInFlight;
  const socket = new Dealer({
    ...socketOptions(options),
    sendTimeout: 0,
    sendHighWaterMark: room,
    receiveHighWaterMark: room,
  });
  const inFlight = new InFlight<Call>();
  const { isUp } = connectSocket(socket, options, end);
  let isReading = false;
  let strays = 0;
  /** The number of the question whether the server takes batches, while it is open; */
  let question: number | undefined;
  let isAsked = false;
  /** and once it has said so, how large they may be. */
  let batches: BatchLimits | undefined;

  function end(error: Error): void {
    for (const { waiting } of inFlight.all()) waiting.reject(error);
    socket.close();
  }

  /** Only while something is in flight, since a pending read keeps the process alive. */
  async function read(): Promise<void> {
    isReading = true;
    while (inFlight.size > 0 && !socket.closed) {
      try {
        take(await socket.receive());
      } catch (error) {
        if (socket.closed || !isPassing(error)) break;
      }
    }
    isReading = false;
  }

  /** A late or second reply has a number that nobody waits for any more, and is dropped. */
  function take(frames: Buffer[]): void {
    // A reply that is too large for a batch has the number of its call behind that of the batch.
    const end = frames[1]?.length === 0 ? 1 : 2;
    const number = frames[end - 1];
    const body = frames.slice(end + 1);
    if (number?.length !== NUMBER_BYTES || frames[end]?.length !== 0 || body.length === 0) {
      strays++;
      return;
    }
    const id = number.readUInt32BE();
    if (id === question) takeAnswer(body);
    else if (end === 2) inFlight.get(id)?.waiting.resolve(body);
    else if (!batching || !takeBatch(id, body)) takeReply(id, body);
  }

  function takeAnswer(body: Body): void {
    question = undefined;
    batches = readBatchAnswer(body);
  }

  function takeReply(id: number, body: Body): void {
    const call = inFlight.get(id);
    if (call !== undefined && call.batch === undefined) {
      call.waiting.resolve(body);
      return;
    }
    // The batch was not read as one, so whoever answers now takes none: none of its calls has been run.
    for (const each of callsOf(id)) {
      batches = undefined;
      delete each.batch;
      sendAlone(each);
    }
  }

  function takeBatch(number: number, body: Body): boolean {
    try {
      const replies = readBatch(body);
      for (const { id, frames } of replies ?? []) inFlight.get(id)?.waiting.resolve(frames);
      return replies !== undefined;
    } catch (cause) {
      const text = `the replies of ${address} can't be read: ${ZmqEchoError.from(cause).message}`;
      for (const { waiting } of callsOf(number)) waiting.reject(new ZmqEchoError("internal", text, { cause }));
      return true;
    }
  }

  /** Those of a batch that still wait. */
  function callsOf(batch: number): readonly Call[] {
    return inFlight.all().filter((call) => call.batch === batch);
  }

  function send(call: Call): void {
    // A large one would have to be copied, and needs no company to be worth its message.
    if (batches !== undefined && isLarge(call.frames)) {
      soon.flush();
      sendAlone(call);
    } else soon.add(call);
  }

  const soon = sendTogether<Call>((all) => {
    const calls = all.filter(({ id }) => inFlight.get(id) !== undefined);
    // All may have ended meanwhile, and the socket with them.
    if (calls.length === 0) return;
    if (batches === undefined) {
      if (batching && !isAsked) ask();
      for (const call of calls) sendAlone(call);
      return;
    }
    for (const batch of inBatches(calls, batches)) {
      const [first, second] = batch.calls;
      if (first !== undefined && second === undefined) sendAlone(first);
      else if (first !== undefined) sendBatch(first, batch.calls, batch.bytes);
    }
  });

  function ask(): void {
    isAsked = true;
    question = inFlight.newNumber();
    // Should it be lost, there are no batches.
    push(question, BATCH_QUESTION, () => {});
  }

  function sendAlone({ id, frames, waiting }: Call): void {
    push(id, frames, (error) => waiting.reject(error));
  }

  function sendBatch(first: Call, calls: readonly Call[], bytes: number): void {
    for (const call of calls) call.batch = first.id;
    push(first.id, writeRequest({ verb: "batch", packed: packBatch(calls, bytes) }), (error) => {
      for (const { waiting } of calls) waiting.reject(error);
    });
  }

  function push(number: number, frames: Body, failed: (error: Error) => void): void {
    const envelope = Buffer.allocUnsafe(NUMBER_BYTES);
    envelope.writeUInt32BE(number);
    socket.send([envelope, EMPTY, ...(frames as Uint8Array[])]).catch((cause: unknown) => {
      if (!socket.closed && isInterrupted(cause)) push(number, frames, failed);
      else failed(new ZmqEchoError("unavailable", `${address} does not take the request`, { cause }));
    });
  }

  return {
    address,
    isUp,
    inFlight: () => inFlight.size,
    roundTrip: (frames, wait) =>
      waitFor<Body>(
        wait,
        () => noAnswer(address, wait, strays > 0 ? NO_ENVELOPE : ""),
        (waiting) => {
          const call = { id: inFlight.newNumber(), frames, waiting };
          inFlight.add(call);
          send(call);
          if (!isReading) void read();
          return () => inFlight.delete(call);
        },
      ),
    close: () => end(new ZmqEchoError("canceled", "the client was closed")),
  };
}
