/**
 * What two ZeroMQ peers say to each other over one connection, read from beside it: their greetings, then messages.
 * ZMTP 3.0 and 3.1 (https://rfc.zeromq.org/spec/23/, https://rfc.zeromq.org/spec/37/) and 2.0
 * (https://rfc.zeromq.org/spec/15/). It can't harm the traffic: what it does not understand it stops reading.
 */
import { textOf } from "../errors.ts";
import { createFrames, type Frames, type FramesOptions } from "./frames.ts";

export interface DialogueOptions {
  readonly maxMessageBytes: number;
  /** A message, as {@link FramesOptions.onMessage} has it. */
  readonly onRequest: FramesOptions["onMessage"];
  readonly onReply: FramesOptions["onMessage"];
  /** Called once, when the connection can't be read any further. */
  readonly onUnread: (why: Unread) => void;
}

/** A mechanism hides what is said; `no-zeromq` are bytes of something else, or of ZMTP 1.0. */
export type Unread =
  | { readonly kind: "hidden"; readonly mechanism: string }
  | { readonly kind: "no-zeromq" }
  | { readonly kind: "irregular"; readonly why: string };

/** Both take the next bytes of their direction, and when they were read. They never throw, and keep the bytes they are given. */
export interface Dialogue {
  fromClient(chunk: Buffer, at: number): void;
  fromServer(chunk: Buffer, at: number): void;
  /** False once the connection can't be read. */
  isRead(): boolean;
}

interface Side {
  readonly onMessage: FramesOptions["onMessage"];
  /** Undefined before the greeting is over. */
  frames: Frames | undefined;
  greeting: Buffer;
  /** As the greeting has it: 1 is ZMTP 2.0, 3 is 3.x. */
  revision: number | undefined;
}

const REVISION_AT = 10;
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;
const OLD_GREETING_BYTES = 12;
const GREETING_BYTES = 64;

/** Nobody says more before the other has answered the first bytes. */
const MOST_GREETING_BYTES = 64 * 1024;

export function createDialogue({ maxMessageBytes, onRequest, onReply, onUnread }: DialogueOptions): Dialogue {
  const client = sideOf(onRequest);
  const server = sideOf(onReply);
  let isRead = true;

  function giveUp(why: Unread): void {
    isRead = false;
    // What was kept of messages is not needed any more.
    for (const side of [client, server]) {
      side.frames = undefined;
      side.greeting = NOTHING;
    }
    onUnread(why);
  }

  function read(side: Side, other: Side, chunk: Buffer, at: number): void {
    if (!isRead) return;
    try {
      if (side.frames !== undefined) {
        side.frames.push(chunk, at);
        return;
      }
      side.greeting = side.greeting.length === 0 ? chunk : Buffer.concat([side.greeting, chunk]);
      const isNew = side.revision === undefined;
      greet(side, other, at);
      // The other one's greeting has the form that both know, so it may have waited for this revision.
      if (isNew && side.revision !== undefined && other.frames === undefined && isRead) greet(other, side, at);
    } catch (error) {
      giveUp({ kind: "irregular", why: textOf(error) });
    }
  }

  function greet(side: Side, other: Side, at: number): void {
    const why = readGreeting(side, other, at);
    if (why !== undefined) giveUp(why);
  }

  function readGreeting(side: Side, other: Side, at: number): Unread | undefined {
    const { greeting } = side;
    if (greeting.length === 0) return undefined;
    if (greeting[0] !== 0xff) return { kind: "no-zeromq" };
    if (greeting.length <= REVISION_AT) return undefined;
    // ZMTP 1.0 has its long form of a length there.
    if (((greeting[9] ?? 0) & 1) === 0 || greeting[REVISION_AT] === 0) return { kind: "no-zeromq" };
    side.revision = greeting[REVISION_AT] ?? 0;
    if (other.revision === undefined) {
      return greeting.length > MOST_GREETING_BYTES ? { kind: "irregular", why: "a greeting has no end" } : undefined;
    }
    const isOld = Math.min(side.revision, other.revision) < 3;
    const size = isOld ? OLD_GREETING_BYTES : GREETING_BYTES;
    if (greeting.length < size) return undefined;
    const mechanism = isOld ? "NULL" : mechanismOf(greeting);
    if (mechanism !== "NULL" && mechanism !== "PLAIN") return { kind: "hidden", mechanism };
    side.greeting = NOTHING;
    side.frames = createFrames({
      maxMessageBytes,
      isOld,
      onMessage: isOld ? afterFirst(side.onMessage) : side.onMessage,
    });
    side.frames.push(greeting.subarray(size), at);
    return undefined;
  }

  return {
    fromClient: (chunk, at) => read(client, server, chunk, at),
    fromServer: (chunk, at) => read(server, client, chunk, at),
    isRead: () => isRead,
  };
}

const NOTHING = Buffer.alloc(0);

function sideOf(onMessage: FramesOptions["onMessage"]): Side {
  return { onMessage, frames: undefined, greeting: NOTHING, revision: undefined };
}

function mechanismOf(greeting: Buffer): string {
  const padded = greeting.toString("latin1", MECHANISM_AT, MECHANISM_AT + MECHANISM_BYTES);
  return padded.replace(/\0+$/, "");
}

/** In ZMTP 2.0 the first message is the sender's identity. */
function afterFirst(onMessage: FramesOptions["onMessage"]): FramesOptions["onMessage"] {
  let isFirst = true;
  return (frames, at, notKept) => {
    if (!isFirst) onMessage(frames, at, notKept);
    isFirst = false;
  };
}
