import fc from "fast-check";
import { expect, test } from "vitest";
import { createDialogue, type Unread } from "../../src/tap/zmtp.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, TIMEOUT_MS } from "./fuzz.ts";
import { mutatedFrom } from "./mutations.ts";

const MOST_BYTES = 300;

/** A side's bytes in pieces of these lengths, over and over; the other side's in between. */
interface Talk {
  readonly client: Buffer;
  readonly server: Buffer;
}

interface Heard {
  readonly requests: string[];
  readonly replies: string[];
  readonly unread: Unread[];
}

function hear({ client, server }: Talk, lengths: readonly number[]): Heard {
  const heard: Heard = { requests: [], replies: [], unread: [] };
  const note = (list: string[]) => (frames: Buffer[], at: number, notKept: number | undefined) => {
    expect(heard.unread, "a message after it was given up").toEqual([]);
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
    if (notKept !== undefined) expect(bytes + notKept).toBeGreaterThan(0);
    list.push(`${at} ${frames.map((frame) => frame.toString("hex"))} ${notKept}`);
  };
  const dialogue = createDialogue({
    maxMessageBytes: MOST_BYTES,
    onRequest: note(heard.requests),
    onReply: note(heard.replies),
    onUnread: (why) => heard.unread.push(why),
  });
  // The same memory for every piece would be what a socket must not do, since pieces are kept; so each is a copy.
  const places = { client: 0, server: 0 };
  for (let turn = 0; places.client < client.length || places.server < server.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    const piece = (bytes: Buffer, from: number) => Buffer.from(bytes.subarray(from, from + length));
    dialogue.fromClient(piece(client, places.client), 0);
    places.client += length;
    dialogue.fromServer(piece(server, places.server), 0);
    places.server += length;
  }
  expect(heard.unread.length).toBeLessThanOrEqual(1);
  expect(dialogue.isRead()).toBe(heard.unread.length === 0);
  return heard;
}

const header = (flags: number, length: number, isLong: boolean): Buffer => {
  if (!isLong) return Buffer.from([flags, length]);
  const bytes = Buffer.alloc(9);
  bytes[0] = flags | 2;
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
};

function greeting(revision: number, mechanism: string): Buffer {
  const bytes = Buffer.alloc(revision >= 3 ? 64 : 12);
  Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, revision, 0]).copy(bytes);
  if (revision >= 3) bytes.write(mechanism, 12);
  return bytes;
}

const frame = fc.uint8Array({ maxLength: 40 });
const message = fc.array(frame, { minLength: 1, maxLength: 4 });
const command = fc.constantFrom("\u0005READY\u000bSocket-Type\0\0\0\u0003REQ", "\u0004PING\0\0", "\u0005ERROR\0");
const spoken = fc.oneof({ weight: 3, arbitrary: message }, { weight: 1, arbitrary: command });
const lengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });

/** What one side says, and the messages that are to be heard of it. */
const said = fc.tuple(fc.array(spoken, { maxLength: 6 }), fc.boolean()).map(([parts, isLong]) => {
  const bytes = parts.map((part) => {
    if (typeof part === "string") return Buffer.concat([header(4, part.length, isLong), Buffer.from(part, "latin1")]);
    const frames = part.map((body, index) => {
      const isMore = index < part.length - 1;
      return Buffer.concat([header(isMore ? 1 : 0, body.length, isLong || body.length > 30), body]);
    });
    return Buffer.concat(frames);
  });
  const messages = parts.filter((part) => typeof part !== "string");
  return {
    bytes: Buffer.concat(bytes),
    heard: messages.map((frames) => `0 ${frames.map((body) => Buffer.from(body).toString("hex"))} undefined`),
  };
});

test(
  "what two peers say is heard, however it is cut into pieces",
  () => {
    const property = fc.property(said, said, lengths, (client, server, pieces) => {
      const talk = {
        client: Buffer.concat([greeting(3, "NULL"), client.bytes]),
        server: Buffer.concat([greeting(3, "NULL"), server.bytes]),
      };
      expect(hear(talk, pieces)).toEqual({ requests: client.heard, replies: server.heard, unread: [] });
    });
    fuzz(property, 500);
  },
  TIMEOUT_MS,
);

const revision = fc.constantFrom(0, 1, 2, 3, 4);
const mechanism = fc.constantFrom("NULL", "PLAIN", "CURVE", "", "X".repeat(20));
const opened = fc
  .tuple(revision, mechanism, said)
  .map(([version, name, { bytes }]) => Buffer.concat([greeting(version, name), bytes]));
const side = fc.oneof(
  opened,
  mutatedFrom(opened, 3),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

/** Whatever the pieces are, it is the same that is heard; of one side alone, since which of two is given up first depends on them. */
function expectSameInPieces(bytes: Buffer, pieces: readonly number[]): Heard {
  // A peer greets as the older of the two does.
  const start = greeting((bytes[10] ?? 3) >= 3 ? 3 : 1, "NULL");
  const whole = hear({ client: bytes, server: start }, [Math.max(bytes.length, 64)]);
  const inPieces = hear({ client: bytes, server: start }, pieces);
  expect(inPieces).toEqual(whole);
  return whole;
}

test(
  "any bytes are messages up to where they can't be read, whatever the pieces, and none after",
  () => {
    let messages = 0;
    const property = fc.property(side, lengths, (bytes, pieces) => {
      messages += expectSameInPieces(bytes, pieces).requests.length;
    });
    fuzz(property, 2_000);
    expect(messages).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);

test(
  "both sides may say anything",
  () => {
    fuzz(
      fc.property(side, side, lengths, (client, server, pieces) => {
        hear({ client, server }, pieces);
      }),
      2_000,
    );
  },
  TIMEOUT_MS,
);

test.each(corpusOf("zmtp"))("what was kept is heard the same in pieces: $why", ({ bytes }) => {
  for (const pieces of [[1], [2, 3], [64], [63, 1, 2]]) expectSameInPieces(bytes, pieces);
});
